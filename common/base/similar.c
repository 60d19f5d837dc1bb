/* SPDX-License-Identifier: MIT */
#include <glib.h>
#include <string.h>

#include "common/base/similar.h"

enum { LENGTH_MAX = 64 };

/* Damerau's distance, of adjacent letters (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
	size_t n = MIN(strlen(a), LENGTH_MAX), m = MIN(strlen(b), LENGTH_MAX), i, j;
	size_t rows[3][LENGTH_MAX + 1];

	for (j = 0; j <= m; j++)
		rows[0][j] = j;
	for (i = 1; i <= n; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];

		row[0] = i;
		for (j = 1; j <= m; j++) {
			row[j] = MIN(MIN(above[j], row[j - 1]) + 1,
				     above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

const char *rmt_similar(const char *name, const char *const *candidates)
{
	size_t nearest = strlen(name) / 3 + 2, away;
	const char *best = NULL;

	for (; *candidates != NULL; candidates++) {
		away = distance(*candidates, name);
		if (away >= nearest)
			continue;
		best = *candidates;
		nearest = away;
	}
	return best;
}
