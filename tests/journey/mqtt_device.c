/* mqtt_device.c - a device of the journey: connects to an MQTT broker with its hardware key and publishes one message, QoS 1. */
#include "birthmark.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mosquitto.h>

struct options {
    const char *root, *service, *cacert, *host, *port, *topic, *message;
};

/* What the callbacks saw. */
struct seen {
    bool acknowledged;
    char refusal[128]; /* the broker's word; "" */
};

static void
on_connect(struct mosquitto *mosq, void *ctx, int code)
{
    struct seen *seen = ctx;

    (void)mosq;
    if (code != 0)
        (void)snprintf(seen->refusal, sizeof(seen->refusal), "%s", mosquitto_connack_string(code));
}

static void
on_publish(struct mosquitto *mosq, void *ctx, int id)
{
    (void)mosq;
    (void)id;
    ((struct seen *)ctx)->acknowledged = true; /* QoS 1: after the broker's PUBACK */
}

static bool
options_parse(struct options *ret, int argc, char **argv)
{
    static const struct option known[] = {
        { "root", required_argument, NULL, 'r' },    { "service", required_argument, NULL, 's' },
        { "cacert", required_argument, NULL, 'c' },  { "host", required_argument, NULL, 'h' },
        { "port", required_argument, NULL, 'p' },    { "topic", required_argument, NULL, 't' },
        { "message", required_argument, NULL, 'm' }, { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (c) {
        case 'r':
            ret->root = optarg;
            break;
        case 's':
            ret->service = optarg;
            break;
        case 'c':
            ret->cacert = optarg;
            break;
        case 'h':
            ret->host = optarg;
            break;
        case 'p':
            ret->port = optarg;
            break;
        case 't':
            ret->topic = optarg;
            break;
        case 'm':
            ret->message = optarg;
            break;
        default:
            return false;
        }
    }
    return optind == argc && ret->root != NULL && ret->service != NULL && ret->cacert != NULL && ret->host != NULL && ret->port != NULL &&
           ret->topic != NULL && ret->message != NULL;
}

/* "" when the broker acknowledged; else why not. */
static const char *
publish(struct mosquitto *mosq, SSL_CTX *tls, const struct options *options, struct seen *seen)
{
    int rc;

    /* With our context and no defaults libmosquitto checks no host name itself: it stands in the context (birthmark_tls_client). */
    if ((rc = mosquitto_int_option(mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0)) != MOSQ_ERR_SUCCESS ||
        (rc = mosquitto_void_option(mosq, MOSQ_OPT_SSL_CTX, tls)) != MOSQ_ERR_SUCCESS ||
        (rc = mosquitto_connect(mosq, options->host, (int)strtol(options->port, NULL, 10), 30)) != MOSQ_ERR_SUCCESS ||
        (rc = mosquitto_publish(mosq, NULL, options->topic, (int)strlen(options->message), options->message, 1, false)) != MOSQ_ERR_SUCCESS)
        return mosquitto_strerror(rc);
    for (int i = 0; i < 100 && !seen->acknowledged; i++) {
        if ((rc = mosquitto_loop(mosq, 100, 1)) != MOSQ_ERR_SUCCESS)
            return *seen->refusal != '\0' ? seen->refusal : mosquitto_strerror(rc);
    }
    (void)mosquitto_disconnect(mosq);
    return seen->acknowledged ? "" : "the broker did not acknowledge within 10 seconds";
}

int
main(int argc, char **argv)
{
    struct options options = { 0 };
    struct seen seen = { 0 };
    struct birthmark *bm = birthmark_new();
    struct mosquitto *mosq = NULL;
    const char *why;
    SSL_CTX *tls = NULL;

    if (!options_parse(&options, argc, argv)) {
        (void)fprintf(stderr, "mqtt_device --root URI --service NAME --cacert FILE --host NAME --port P --topic T --message M\n");
        return 2;
    }
    (void)setenv("TSS2_LOG", "all+NONE", 0);
    (void)mosquitto_lib_init();
    if (birthmark_open(bm, options.root) != BIRTHMARK_OK ||
        birthmark_tls_client(bm, options.service, options.cacert, options.host, &tls) != BIRTHMARK_OK)
        why = birthmark_error(bm);
    else if ((mosq = mosquitto_new(NULL, true, &seen)) == NULL)
        why = "no memory";
    else {
        mosquitto_connect_callback_set(mosq, on_connect);
        mosquitto_publish_callback_set(mosq, on_publish);
        why = publish(mosq, tls, &options, &seen);
    }
    if (*why != '\0')
        (void)fprintf(stderr, "mqtt_device: %s\n", why);
    mosquitto_destroy(mosq);
    SSL_CTX_free(tls);
    birthmark_free(bm);
    (void)mosquitto_lib_cleanup();
    return *why == '\0' ? 0 : 1;
}
