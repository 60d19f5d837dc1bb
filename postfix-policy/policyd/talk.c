/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/talk.h"

#include <errno.h>
#include <unistd.h>

enum { READ_MAX = 4096, OUT_SMALL = 64 * 1024 };

struct rmt_talks {
	struct rmt_loop *loop;            /* foreign */
	const struct rmt_talk_kind *kind; /* foreign */
	void *context;
	GPtrArray *all; /* own */
	int64_t monotonic_ns;
};

struct rmt_talks *rmt_talks_new(struct rmt_loop *loop, const struct rmt_talk_kind *kind,
				void *context)
{
	struct rmt_talks *talks = g_new0(struct rmt_talks, 1);

	talks->loop = loop;
	talks->kind = kind;
	talks->context = context;
	talks->all = g_ptr_array_new();
	return talks;
}

void rmt_talk_end_job(struct rmt_talk *talk)
{
	if (talk->job != NULL)
		talk->talks->kind->free_job(talk->job);
	talk->job = NULL;
}

static void free_talk(struct rmt_talk *talk)
{
	rmt_talk_end_job(talk);
	rmt_loop_remove(talk->talks->loop, &talk->source);
	close(talk->source.fd);
	g_string_free(talk->in, TRUE);
	g_string_free(talk->out, TRUE);
	g_free(talk);
}

void rmt_talks_free(struct rmt_talks *talks)
{
	guint i;

	if (talks == NULL)
		return;
	for (i = 0; i < talks->all->len; i++)
		free_talk(talks->all->pdata[i]);
	g_ptr_array_unref(talks->all);
	g_free(talks);
}

static void progress(struct rmt_talk *talk)
{
	talk->deadline_ns = talk->talks->monotonic_ns + talk->talks->kind->timeout_ns;
}

static void watch(struct rmt_talk *talk)
{
	uint32_t events = talk->out->len > 0 ? EPOLLOUT : 0;

	rmt_loop_change(talk->talks->loop, &talk->source,
			events | (talk->ending ? 0 : EPOLLIN));
}

void rmt_talk_send(struct rmt_talk *talk)
{
	ssize_t n;

	if (talk->dead)
		return;
	if (talk->out->len > 0) {
		n = send(talk->source.fd, talk->out->str, talk->out->len, MSG_NOSIGNAL);
		if (n > 0) {
			g_string_erase(talk->out, 0, n);
			progress(talk);
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			talk->dead = true;
			return;
		}
	}
	talk->dead = talk->ending && talk->out->len == 0;
	if (!talk->dead)
		watch(talk);
}

static void receive(struct rmt_talk *talk)
{
	const struct rmt_talk_kind *kind = talk->talks->kind;
	char bytes[READ_MAX];
	ssize_t n = recv(talk->source.fd, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || talk->in->len + (size_t)n > kind->in_max) {
		talk->dead = true;
		return;
	}
	g_string_append_len(talk->in, bytes, n);
	progress(talk);
	kind->got(talk->talks->context, talk);
}

static void talk_ready(struct rmt_source *source, uint32_t events)
{
	struct rmt_talk *talk = (struct rmt_talk *)(void *)source;

	if (talk->dead)
		return;
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0) {
		talk->dead = true;
		return;
	}
	if ((events & EPOLLOUT) != 0)
		rmt_talk_send(talk);
	if (!talk->dead && (events & EPOLLIN) != 0)
		receive(talk);
}

void rmt_talks_accept(void *context, int fd, const char *listener,
		      const struct sockaddr_storage *address)
{
	struct rmt_talks *talks = context;
	struct rmt_talk *talk;

	(void)listener;
	(void)address;
	if (talks->all->len >= talks->kind->talks_max) {
		close(fd);
		return;
	}
	talk = g_new0(struct rmt_talk, 1);
	talk->source.fd = fd;
	talk->source.ready = talk_ready;
	talk->talks = talks;
	talk->in = g_string_new(NULL);
	talk->out = g_string_new(NULL);
	progress(talk);
	g_ptr_array_add(talks->all, talk);
	talk->dead = !rmt_loop_add(talks->loop, &talk->source, EPOLLIN, NULL);
}

bool rmt_talks_turn(struct rmt_talks *talks, int64_t monotonic_ns)
{
	bool busy = false;
	guint i = 0;

	talks->monotonic_ns = monotonic_ns;
	while (i < talks->all->len) {
		struct rmt_talk *talk = talks->all->pdata[i];

		if (talk->job != NULL && !talk->dead && talk->out->len < OUT_SMALL) {
			busy |= talks->kind->step(talks->context, talk);
			progress(talk);
			rmt_talk_send(talk);
		}
		if (talk->dead || monotonic_ns > talk->deadline_ns) {
			g_ptr_array_remove_index_fast(talks->all, i);
			free_talk(talk);
			continue;
		}
		i++;
	}
	return busy;
}
