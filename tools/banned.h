/* banned.h - calls that have no place here; forced into every C file by the build. */
#ifndef BM_BANNED_H
#define BM_BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#undef alloca
#undef sprintf
#undef vsprintf
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok
#pragma GCC poison atoi atol atoll alloca gmtime localtime ctime asctime
#endif
