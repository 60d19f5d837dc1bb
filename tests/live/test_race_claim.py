# SPDX-License-Identifier: MIT
"""What test_race.py does not find, it would, were there no claim."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import Failure, Skip, equal, main, test, true
from test_race import race


@test
def P01_without_the_claim_there_are_receipts_twice(_place):
    figures, out = race("--format", "sdbox", "--kills", "0", "--without-claim")
    equal((figures[0], figures[3]), (300, 0), out)
    true(figures[2] > 0, f"duplicates: {out}")


@test
def what_is_not_built_is_said(place):
    try:
        race("--without-claim", build=place.path)
    except Skip as reason:
        true("race/remite-agent is not built: make " in str(reason), str(reason))
    else:
        raise Failure("it ran with nothing built")


if __name__ == "__main__":
    main()
