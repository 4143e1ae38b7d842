/* places.h - the file names and descriptor numbers on which parent and children agree. */
#ifndef BM_PLACES_H
#define BM_PLACES_H

/* Beside each other, or in the libexec directory. */
#define BM_PROGRAM_SIGNER "birthmark-signer"
#define BM_PROGRAM_REGISTRAR "birthmark-registrar"
#define BM_PROGRAM_GATE "birthmark-gate"

/* In the home directory. */
#define BM_LOCK_NAME "lock"       /* held by flock(2) while anybody who may write the home lives; holds that process's id */
#define BM_CONTROL_NAME "control" /* the server's SEQPACKET socket for commands, mode 0600 */

/*
 * Descriptors that a child finds open. 0 reads nothing, 1 and 2 are the parent's stderr: one sentence goes there when it cannot start. A hole
 * (a gate without plain port) is /dev/null, so that no other file takes the number: ask bm_fd_listens().
 */
enum {
    BM_FD_SIGNER_REGISTRAR = 3, /* in the signer: its one channel */

    BM_FD_REGISTRAR_SIGNER = 3,  /* in the registrar: the channel to the signer */
    BM_FD_REGISTRAR_CONTROL = 4, /* a listening socket; with "--control socketpair": one connected channel */
    BM_FD_REGISTRAR_GATES = 5,   /* 5, 6, ...: one channel a gate, as many as "--gates N" says */

    BM_FD_GATE_REGISTRAR = 3, /* in a gate: its one channel */
    BM_FD_GATE_TLS = 4,       /* the TLS port's listening socket */
    BM_FD_GATE_PLAIN = 5,     /* the plain port's, or a hole */

    BM_FD_READY = 100, /* in every child: bm_ready() writes one byte 'R' and closes it */
    BM_FD_LOCK = 101,  /* in signer and registrar: HOME/lock, never used, held open so that the lock outlives a killed parent */
};

#define BM_MAX_GATES 64 /* 5 + 64 stays below BM_FD_READY */

/* How a signer ends that the registrar told to begin anew (BM_S_AGAIN): its parent starts another one on the same channel. */
#define BM_EXIT_AGAIN 75

#endif
