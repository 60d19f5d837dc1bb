/* SPDX-License-Identifier: MIT */
/* tsan_glib.c - tells ThreadSanitizer of GLib's locks.
 *
 * GLib waits by futex(2) and is not compiled for the sanitizer, which therefore does
 * not see that what is done under a lock comes after what was done under it before.
 * Linked into the unit tests of SANITIZE=thread alone: our calls come here first.
 */
#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

/* GLib's own function of the name. */
#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#define LOCKS(name, type)                                                                \
	void name(type *lock)                                                            \
	{                                                                                \
		REAL(name)(lock);                                                        \
		__tsan_acquire(lock);                                                    \
	}

#define UNLOCKS(name, type)                                                              \
	void name(type *lock)                                                            \
	{                                                                                \
		__tsan_release(lock);                                                    \
		REAL(name)(lock);                                                        \
	}

LOCKS(g_mutex_lock, GMutex)
UNLOCKS(g_mutex_unlock, GMutex)
LOCKS(g_rw_lock_reader_lock, GRWLock)
UNLOCKS(g_rw_lock_reader_unlock, GRWLock)
LOCKS(g_rw_lock_writer_lock, GRWLock)
UNLOCKS(g_rw_lock_writer_unlock, GRWLock)

void g_cond_wait(GCond *cond, GMutex *mutex)
{
	__tsan_release(mutex);
	REAL(g_cond_wait)(cond, mutex);
	__tsan_acquire(mutex);
}

void g_async_queue_push(GAsyncQueue *queue, gpointer data)
{
	__tsan_release(queue);
	REAL(g_async_queue_push)(queue, data);
}

/* The queue's own nodes are made by one thread and freed by the other. */
#define POPS(name)                                                                       \
	gpointer name(GAsyncQueue *queue)                                                \
	{                                                                                \
		gpointer data;                                                           \
                                                                                         \
		AnnotateIgnoreWritesBegin(__FILE__, __LINE__);                           \
		data = REAL(name)(queue);                                                \
		AnnotateIgnoreWritesEnd(__FILE__, __LINE__);                             \
		__tsan_acquire(queue);                                                   \
		return data;                                                             \
	}

POPS(g_async_queue_pop)
POPS(g_async_queue_try_pop)

/* Who gives up the last one frees what others have read. */
void g_bytes_unref(GBytes *bytes)
{
	__tsan_release(bytes);
	__tsan_acquire(bytes);
	REAL(g_bytes_unref)(bytes);
}

void(g_once_init_leave)(volatile void *location, gsize result)
{
	__tsan_release((void *)location);
	REAL(g_once_init_leave)(location, result);
}
