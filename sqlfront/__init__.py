"""What the rest of the server asks of statements and sessions; see DESIGN.md beside each sub-package."""
