/* counted.h - every command that goes to a TPM, counted by its code, and the time until its answer. Linked with --wrap=Tss2_TctiLdr_Initialize. */
#ifndef BM_TEST_COUNTED_H
#define BM_TEST_COUNTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNTED_CODES 0x200 /* TPM_CC without its first half */

struct counted {
    unsigned commands;
    unsigned by_code[COUNTED_CODES];
    double seconds; /* between a command and its answer */
};

void counted_reset(void);
/* At this command, counted from 1 (0: none), before the TPM has it or with it on its way. */
void counted_at(unsigned number, bool on_its_way, void (*what)(void));
struct counted counted_now(void);
/* "CreatePrimary 3, Sign 2 ..." in the order of their codes. */
void counted_print(const struct counted *counted, char *text, size_t n);

#endif
