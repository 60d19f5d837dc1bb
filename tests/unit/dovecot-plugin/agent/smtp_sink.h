/* SPDX-License-Identifier: MIT */
/* smtp_sink.h - a mail server of a few lines in threads of its own, on loopback. */
#ifndef RMT_TEST_SMTP_SINK_H
#define RMT_TEST_SMTP_SINK_H

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct smtp_sink {
	int fd;
	unsigned port;
	GThread *thread;
	GPtrArray *sessions; /* own; of the thread, until it has ended */
	GMutex lock;
	GString *seen;    /* commands, a line each, of all connections */
	GPtrArray *mails; /* own; char *: texts that were taken */
	bool tls_offered;
	const char *at_rcpt; /* reply; NULL: 250 */
	/* The reply to the message's end; NULL in it: hang up. NULL: 250 for all. */
	const char *(*at_end)(void *context, const char *text);
	void *context;
};

struct smtp_sink_session {
	struct smtp_sink *sink;
	GThread *thread;
	FILE *in;
	int fd;
};

static inline void smtp_sink_say(const struct smtp_sink_session *session,
				 const char *text)
{
	g_autofree char *line = g_strconcat(text, "\r\n", NULL);

	if (write(session->fd, line, strlen(line)) < 0)
		return;
}

/* False: the connection ended before the end of the message did. */
static inline bool smtp_sink_read_mail(struct smtp_sink_session *session, GString *text)
{
	char line[4096];

	while (fgets(line, sizeof(line), session->in) != NULL) {
		if (strcmp(line, ".\r\n") == 0)
			return true;
		g_string_append(text, line[0] == '.' ? line + 1 : line);
	}
	return false;
}

/* False: hang up. */
static inline bool smtp_sink_data(struct smtp_sink_session *session)
{
	struct smtp_sink *sink = session->sink;
	g_autoptr(GString) text = g_string_new(NULL);
	const char *reply = "250 2.0.0 taken";

	smtp_sink_say(session, "354 go on");
	if (!smtp_sink_read_mail(session, text))
		return false;
	g_mutex_lock(&sink->lock);
	if (sink->at_end != NULL)
		reply = sink->at_end(sink->context, text->str);
	if (reply != NULL && reply[0] == '2')
		g_ptr_array_add(sink->mails, g_strdup(text->str));
	g_mutex_unlock(&sink->lock);
	if (reply != NULL)
		smtp_sink_say(session, reply);
	return reply != NULL;
}

static inline bool smtp_sink_command(struct smtp_sink_session *session, const char *line)
{
	struct smtp_sink *sink = session->sink;

	g_mutex_lock(&sink->lock);
	g_string_append(sink->seen, line);
	g_mutex_unlock(&sink->lock);
	if (g_str_has_prefix(line, "DATA"))
		return smtp_sink_data(session);
	if (g_str_has_prefix(line, "QUIT"))
		return false;
	if (g_str_has_prefix(line, "EHLO"))
		smtp_sink_say(session,
			      sink->tls_offered
				      ? "250-sink\r\n250-STARTTLS\r\n250 8BITMIME"
				      : "250-sink\r\n250-SMTPUTF8\r\n250 8BITMIME");
	else if (g_str_has_prefix(line, "RCPT") && sink->at_rcpt != NULL)
		smtp_sink_say(session, sink->at_rcpt);
	else
		smtp_sink_say(session, "250 ok");
	return true;
}

static inline void *smtp_sink_serve(void *data)
{
	struct smtp_sink_session *session = data;
	char line[4096];

	smtp_sink_say(session, "220 sink");
	while (fgets(line, sizeof(line), session->in) != NULL &&
	       smtp_sink_command(session, line))
		;
	shutdown(session->fd, SHUT_RDWR);
	return NULL;
}

static inline void smtp_sink_end(void *data)
{
	struct smtp_sink_session *session = data;

	shutdown(session->fd, SHUT_RDWR);
	g_thread_join(session->thread);
	fclose(session->in);
	g_free(session);
}

static inline void *smtp_sink_accept(void *data)
{
	struct smtp_sink *sink = data;
	int fd;

	while ((fd = accept(sink->fd, NULL, NULL)) >= 0) {
		struct smtp_sink_session *session = g_new0(struct smtp_sink_session, 1);

		session->sink = sink;
		session->fd = fd;
		session->in = fdopen(fd, "r+");
		g_ptr_array_add(sink->sessions, session);
		session->thread = g_thread_new("session", smtp_sink_serve, session);
	}
	return NULL;
}

static inline void smtp_sink_start(struct smtp_sink *sink)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	g_mutex_init(&sink->lock);
	sink->seen = g_string_new(NULL);
	sink->sessions = g_ptr_array_new_with_free_func(smtp_sink_end);
	sink->mails = g_ptr_array_new_with_free_func(g_free);
	sink->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert(bind(sink->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	g_assert(listen(sink->fd, 50) == 0);
	g_assert(getsockname(sink->fd, (struct sockaddr *)&address, &len) == 0);
	sink->port = ntohs(address.sin_port);
	sink->thread = g_thread_new("sink", smtp_sink_accept, sink);
}

/* What is said to a message's end from now on. */
static inline void smtp_sink_answer(struct smtp_sink *sink,
				    const char *(*at_end)(void *context,
							  const char *text),
				    void *context)
{
	g_mutex_lock(&sink->lock);
	sink->at_end = at_end;
	sink->context = context;
	g_mutex_unlock(&sink->lock);
}

/* All commands until now. Own. */
static inline char *smtp_sink_seen(struct smtp_sink *sink)
{
	char *seen;

	g_mutex_lock(&sink->lock);
	seen = g_strdup(sink->seen->str);
	g_mutex_unlock(&sink->lock);
	return seen;
}

static inline bool smtp_sink_saw(struct smtp_sink *sink, const char *text)
{
	g_autofree char *seen = smtp_sink_seen(sink);

	return strstr(seen, text) != NULL;
}

static inline void smtp_sink_stop(struct smtp_sink *sink)
{
	shutdown(sink->fd, SHUT_RDWR);
	close(sink->fd);
	g_thread_join(sink->thread);
	g_ptr_array_unref(sink->sessions);
	g_string_free(sink->seen, TRUE);
	g_ptr_array_unref(sink->mails);
}

#endif
