/* confine.h - give up every right that a room does not need, once, before its first foreign byte. */
#ifndef BM_CONFINE_H
#define BM_CONFINE_H

#include "base/base.h"

/* A directory that the process may go on using, with everything beneath it. Only plans with `files` open anything. */
struct bm_confine_dir {
    const char *path;
    bool write; /* false: read files and list directories. true: also create, change, rename and remove files and directories */
};

/*
 * What a room keeps. Whatever is not named here is gone: other files, new sockets, new programs, new processes, executable memory, other
 * processes' memory, capabilities. Descriptors that are open already stay as they are: reading, writing, sync, truncation, locks, messages,
 * polling and waiting work in every plan.
 */
struct bm_confine_plan {
    const char *name; /* "signer", for sentences */
    const struct bm_confine_dir *dirs;
    size_t ndirs;
    bool files;         /* opens files beneath dirs; elsewhere: EACCES. Without it any open kills the process */
    bool listen_accept; /* accepts connections on inherited sockets */
    bool syslog_mute;   /* socket() fails with EPERM instead of killing: a PKCS#11 module (SoftHSM) reports every error to syslog */
    bool nobody;        /* when started as root: becomes uid and gid 65534, without groups */
    unsigned cpu;       /* seconds of processor time, then SIGXCPU; 0: without end */
    size_t
        memory; /* bytes of address space beyond what it has now; 0: without end. Under a sanitizer, which wants terabytes, there is none */
};

/*
 * Drops uid (where asked), capabilities, core dumps, new privileges and traceability; then Landlock with every right that this kernel knows;
 * then a seccomp allow-list that kills the process on anything else. All of it holds when BM_OK is returned, and it cannot be taken back.
 * Load every library, open every library's configuration and make every event base before: none of it works afterwards.
 * BM_EBUSY where the kernel or the machine cannot do it: refuse to start (part of it may hold by then, so there is no going on).
 */
bm_must_use enum bm_rc bm_confine(const struct bm_confine_plan *plan, struct bm_fail *fail);

/* Which confinement holds for this process right now, asked of the kernel: "landlock abi 6, seccomp, no_new_privs, uid 65534", or "none".
 * May be called before and after bm_confine(). */
#define BM_CONFINE_TEXT 96
void bm_confine_probe(char ret_text[static BM_CONFINE_TEXT]);

#endif
