/* heap.h - this program's own malloc: what is allocated is counted, and any one of it may be refused. glibc's; not under sanitizers, which have their own. */
#ifndef BM_TEST_HEAP_H
#define BM_TEST_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that are allocated now, and the most that were since heap_peak_reset(). */
size_t heap_now(void);
size_t heap_own(void); /* of these, what libbirthmark's own code asked for, after the first heap_refuse() */
size_t heap_peak(void);
void heap_peak_reset(void);

/* Counts allocations from 1 and refuses number n, if `on` every one after it too; 0 refuses none. ours: those that libbirthmark's own code asks for alone. */
void heap_refuse(unsigned long n, bool on, bool ours);
/* How many were counted since heap_refuse(). */
unsigned long heap_count(void);

#endif
