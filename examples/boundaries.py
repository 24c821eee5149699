"""Where each method draws the line on plane shapes, as one picture.

    python examples/boundaries.py --out boundaries.png
    python examples/boundaries.py --methods dagmm,mahalanobis,knn --out few.svg

Needs the ``report`` extra. The format is that of the suffix.
"""

import argparse
from pathlib import Path

from dagmm.evaluation.boundaries import draw_boundaries
from dagmm.evaluation.toy_shapes import SHAPES


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="file of the picture")
    parser.add_argument("--methods", help="names separated by commas, or all")
    parser.add_argument("--shapes", default=",".join(SHAPES), help="some of %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    methods = arguments.methods
    if methods not in (None, "all"):
        methods = methods.split(",")
    figure = draw_boundaries(methods, arguments.shapes.split(","), seed=arguments.seed)
    figure.savefig(arguments.out, dpi=150)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
