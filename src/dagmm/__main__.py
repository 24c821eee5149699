"""``python -m dagmm`` is the ``dagmm`` command."""

from dagmm.cli import main

if __name__ == "__main__":
    main()
