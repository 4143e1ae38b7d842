/* serve.c - serve: the server's certificate looked after, then birthmarkd in this process's place. */
#include "base/env.h"
#include "cli/places.h"
#include "cli/server_cert.h"
#include "cli/verbs.h"
#include "proc/listen.h"

#include <errno.h>
#include <unistd.h>

/* A certificate that ends soon, or that does not name the host, is made anew. Without the server CA's key it serves as long as it holds. */
static enum bm_rc
cert_renew(const struct bm_call *call, const struct bm_site *site, struct bm_fail *fail)
{
    char until[BM_TIME_TEXT];
    bm_time now, end = 0;
    bool good = false;
    enum bm_rc rc;

    if ((rc = bm_env_system.now(bm_env_system.ctx, &now, fail)) != BM_OK)
        return rc;
    if (bm_server_cert_good(call->home, site->url, now, &good, &end, fail) == BM_OK && good)
        return BM_OK;
    if ((rc = bm_server_cert_make(call->home, site->url, now, fail)) == BM_OK || end < now)
        return rc;
    bm_time_print(until, end);
    (void)fprintf(stderr, "birthmark: the server's certificate could not be made anew and serves until %s: %s\n", until, fail->text);
    return BM_OK;
}

/* Beside this program, as built and as installed. */
static enum bm_rc
daemon_path(char ret[static BM_PATH], struct bm_fail *fail)
{
    char self[BM_PATH];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (n <= 0)
        return bm_fail(fail, BM_EBUSY, NULL, "/proc is not mounted: birthmarkd can't be found");
    self[n] = 0;
    if ((slash = strrchr(self, '/')) != NULL)
        *slash = 0;
    return bm_path_join(ret, self, "birthmarkd", fail);
}

static enum bm_rc
address_check(struct bm_call *call, const char *option, struct bm_fail *fail)
{
    const char *where = bm_call_option(call, option);

    if (where == NULL || bm_listen_ok(where))
        return BM_OK;
    return bm_usage(call, fail, "--%s wants a number and a port: 127.0.0.1:8443, [::1]:8443, 0.0.0.0:8443 or localhost:8443", option);
}

/* Where devices look for the site: the port of its own url, on this machine alone; 8443 where the url names none. */
static void
listen_default(char ret[static BM_LISTEN_NAME], const char *url)
{
    const char *colon = strrchr(url, ':'), *port = colon == NULL ? "" : colon + 1;
    bool named = port[0] != 0 && port[strspn(port, "0123456789")] == 0;

    (void)snprintf(ret, BM_LISTEN_NAME, "127.0.0.1:%s", named ? port : "8443");
}

static enum bm_rc
run(struct bm_call *call, struct bm_fail *fail)
{
    bm_cleanup(bm_site_free) struct bm_site *site = NULL;
    const char *listen = bm_call_option(call, "listen"), *plain = bm_call_option(call, "listen-http");
    char path[BM_PATH], otherwise[BM_LISTEN_NAME];
    /* execv wants char * and writes nothing */
    const char *args[8] = { "birthmarkd", "--home", call->home, "--listen", listen != NULL ? listen : otherwise };
    union {
        const char *const *in;
        char *const *out;
    } argv = { .in = args };
    enum bm_rc rc;

    if (plain != NULL) {
        args[5] = "--listen-http";
        args[6] = plain;
    }
    if ((rc = address_check(call, "listen", fail)) != BM_OK || (rc = address_check(call, "listen-http", fail)) != BM_OK ||
        (rc = bm_site_read(&site, call->home, fail)) != BM_OK || (rc = cert_renew(call, site, fail)) != BM_OK ||
        (rc = daemon_path(path, fail)) != BM_OK)
        return rc;
    listen_default(otherwise, site->url);
    (void)execv(path, argv.out);
    return bm_fail(fail, BM_EBUSY, NULL, "%s can't be started: %s", path, strerrordesc_np(errno));
}

const struct bm_verb bm_verb_serve = {
    .words = "serve",
    .arguments = "",
    .site = true,
    .purpose = "Run the server here, in the foreground, until Ctrl-C.",
    .help = "As birthmarkd does under systemd. The gate's certificate is made anew when it ends within 30 days. Commands go through\n"
            "the running server by themselves.\n\nexample: birthmark serve --listen 0.0.0.0:8443\n",
    .options = { { .name = "listen", .value = "HOST:PORT", .help = "TLS; default: 127.0.0.1 and the port of the site's url, else 8443" },
                 { .name = "listen-http", .value = "HOST:PORT", .help = "plain HTTP, for what is signed anyway; default: none" } },
    .run = run,
};
