#include "density.h"

#include <stdlib.h>

/* A distribution over -max to max: p points to the chance of 0. */
struct density {
    double *p;
    int max;
};

/* Of the less sure of two, with both signs. Sums of products only, so that small chances keep their digits. */
static void
either(struct density ret, struct density in)
{
    double above = 0, below = 0;

    for (int v = in.max; v >= 1; v--) {
        double a = above, b = below, p = in.p[v], q = in.p[-v];

        above += p;
        below += q;
        ret.p[v] = p * (a + above) + q * (b + below);
        ret.p[-v] = 2 * (p * below + q * a);
    }
    ret.p[0] = in.p[0] * (2 * (above + below) + in.p[0]);
}

static void
sum(struct density ret, struct density in)
{
    for (int a = -in.max; a <= in.max; a++) {
        for (int b = -in.max; b <= in.max && in.p[a] > 0; b++)
            ret.p[a + b] += in.p[a] * in.p[b];
    }
}

static void
evolve(double *ret_wrong, struct density in, unsigned n)
{
    double *room;

    if (n == 1) {
        ret_wrong[0] = 0;
        for (int v = -in.max; v <= 0; v++)
            ret_wrong[0] += in.p[v];
        return;
    }
    room = calloc((size_t)in.max * 6 + 2, sizeof(*room));
    if (room == NULL)
        abort();
    const struct density same = { .p = room + in.max, .max = in.max };
    const struct density twice = { .p = room + 4 * in.max + 1, .max = 2 * in.max };
    either(same, in);
    sum(twice, in);
    evolve(ret_wrong, same, n / 2);
    evolve(ret_wrong + n / 2, twice, n / 2);
    free(room);
}

void
density_evolve(double ret_wrong[static BM_POLAR_N], double wrong, double nothing)
{
    double p[3] = { wrong, nothing, 1 - wrong - nothing };

    evolve(ret_wrong, (struct density){ .p = p + 1, .max = 1 }, BM_POLAR_N);
}

double
density_bound(double e0, double e1)
{
    static double wrong[BM_POLAR_N];
    double bound = 0;

    density_evolve(wrong, e0 * e1, e0 * (1 - e1) + e1 * (1 - e0));
    for (unsigned i = 0; i < BM_POLAR_N; i++)
        bound += bm_polar_free(i) ? wrong[i] : 0;
    return bound;
}
