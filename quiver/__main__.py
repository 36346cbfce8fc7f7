"""`python -m quiver` is the command `quiver`."""

from quiver.cli import main

main()
