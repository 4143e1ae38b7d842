/* Linked with --wrap of each of these. */
#include "cut.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t __real_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_mkdir(const char *path, mode_t mode);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);

static unsigned counted, at;

void
cut_at(unsigned number)
{
    counted = 0;
    at = number;
}

unsigned
cut_counted(void)
{
    return counted;
}

void
cut_count(void)
{
    if (++counted == at)
        _exit(77);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
    if (++counted == at) {
        (void)!__real_write(fd, p, n / 2);
        _exit(77);
    }
    return __real_write(fd, p, n);
}

int
__wrap_fsync(int fd)
{
    cut_count();
    return __real_fsync(fd);
}

int
__wrap_rename(const char *from, const char *to)
{
    cut_count();
    return __real_rename(from, to);
}

int
__wrap_unlink(const char *path)
{
    cut_count();
    return __real_unlink(path);
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
    cut_count();
    return __real_mkdir(path, mode);
}
