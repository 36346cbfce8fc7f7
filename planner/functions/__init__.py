"""Functions and operators: their signatures (`signature`, `signatures_*`) and how they are evaluated."""
