/* main.c - birthmark: the command line of a site. */
#include "cli/cli.h"

int
main(int argc, char **argv)
{
    return bm_cli_main(bm_verbs, argc, argv);
}
