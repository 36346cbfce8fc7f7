"""What all packages share, without I/O: errors, SQL types, bitsets, settings, cancellation, memory budget."""
