/* cut.h - the power goes at the n-th thing that is written: calls that change files are counted, and the process ends there. */
#ifndef BM_TEST_CUT_H
#define BM_TEST_CUT_H

/* 0: never. The call with this number is not made, or of a write only the first half; the process ends with 77. */
void cut_at(unsigned number);
void cut_count(void);       /* one more: for calls of other kinds */
unsigned cut_counted(void); /* calls since cut_at() */

#endif
