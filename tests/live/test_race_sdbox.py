# SPDX-License-Identifier: MIT
"""test_race.py, where a mailbox is of another kind."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import equal, main, test
from test_race import race


@test
def M01_P01_each_message_has_one_receipt_in_sdbox_too(_place):
    figures, out = race("--format", "sdbox")
    equal(figures, [300, 300, 0, 0, 50], out)


if __name__ == "__main__":
    main()
