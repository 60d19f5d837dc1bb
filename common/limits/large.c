/* SPDX-License-Identifier: MIT */
#include "common/limits/large.h"

#include <glib.h>
#include <stdint.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20, PAGE = 4096 };

static size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

void *rmt_large_new(size_t size)
{
	const size_t wanted = whole_pages(size), all = wanted + LARGE_PAGE;
	size_t before;
	char *memory;

	if (size < LARGE_PAGE)
		return g_malloc0(size);
	memory = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED)
		g_error("no memory for %zu octets", size);
	before = (LARGE_PAGE - (uintptr_t)memory % LARGE_PAGE) % LARGE_PAGE;
	if (before > 0)
		munmap(memory, before);
	munmap(memory + before + wanted, all - before - wanted);
	madvise(memory + before, wanted, MADV_HUGEPAGE);
	return memory + before;
}

void rmt_large_free(void *memory, size_t size)
{
	if (memory != NULL && size >= LARGE_PAGE)
		munmap(memory, whole_pages(size));
	else
		g_free(memory);
}
