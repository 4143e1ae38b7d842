/* test_mqtt.c - a real broker that demands our CA's client certificates: hardware keys publish, a wrong name and a stranger do not. */
#include "device/tls.h"

#include "ca_kit.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>

static char port[8];
static pid_t broker;

static void
identity_make(const char *uri)
{
    bm_cleanup(bm_root_done) struct bm_root *root = NULL;
    bm_cleanup(bm_buf_done) struct bm_buf leaf = { .max = BM_MAX_CERT }, theirs = { .max = BM_MAX_EVIDENCE };
    static struct bm_leaf chip; /* 9 KiB */
    struct bm_fail fail;
    struct bm_key key;

    assert_int_equal(bm_root_open(&root, uri, &fail), BM_OK);
    assert_int_equal(root->ops->identify(root, true, &chip, &theirs, &fail), BM_OK);
    assert_int_equal(root->ops->key_new(root, "mqtt", &key, &fail), BM_OK);
    testca_issue(&ca, &key, 7, &leaf);
    const struct bm_bytes certs[] = { bm_buf_bytes(&leaf) };
    assert_int_equal(root->ops->commit(root, "mqtt", certs, 1, &fail), BM_OK);
}

static int
publish(const char *uri, const char *host)
{
    const char *const argv[] = { getenv("BM_MQTT_DEVICE"),
                                 "--root",
                                 uri,
                                 "--service",
                                 "mqtt",
                                 "--cacert",
                                 ca_file,
                                 "--host",
                                 host,
                                 "--port",
                                 port,
                                 "--topic",
                                 "t/device",
                                 "--message",
                                 "hello",
                                 NULL };

    return virtual_run(&chips, argv, "mqtt.txt");
}

/* By name, which is checked; a bare system may have no name for itself. */
static const char *
here(void)
{
    struct addrinfo *found = NULL;
    bool named = getaddrinfo("localhost", NULL, NULL, &found) == 0;

    if (named)
        freeaddrinfo(found);
    return named ? "localhost" : "127.0.0.1";
}

static void
hardware_keys_publish(void **state)
{
    identity_make(*state);
    assert_int_equal(publish(*state, here()), 0);
    assert_int_equal(publish(*state, "127.0.0.2"), 1); /* the broker answers there too, and its certificate does not say so */
}

static void
a_stranger_does_not(void **state)
{
    struct testca keep = ca;

    (void)state;
    ca = testca_new();
    identity_make(chips.uri[VIRTUAL_SOFT]);
    testca_free(&ca);
    ca = keep;
    assert_int_equal(publish(chips.uri[VIRTUAL_SOFT], here()), 1);
}

static bool
answers(uint16_t number)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(number), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool there = connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;

    (void)close(fd);
    return there;
}

/* Its certificate, key and configuration, then the broker itself; false where there is none. */
static bool
broker_start(void)
{
    uint16_t number = (uint16_t)(21000 + getpid() % 8000);
    char path[160];
    FILE *file;

    while (answers(number))
        number++;
    (void)snprintf(port, sizeof(port), "%u", number);
    (void)snprintf(path, sizeof(path), "%s/server.pem", chips.dir);
    assert_non_null(file = fopen(path, "w"));
    assert_int_equal(PEM_write_X509(file, ca.server), 1);
    (void)fclose(file);
    (void)snprintf(path, sizeof(path), "%s/server.key", chips.dir);
    assert_non_null(file = fopen(path, "w"));
    assert_int_equal(PEM_write_PrivateKey(file, ca.server_key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
    (void)snprintf(path, sizeof(path), "%s/mosquitto.conf", chips.dir);
    assert_non_null(file = fopen(path, "w"));
    (void)fprintf(file,
                  "listener %s\ncafile %s\ncertfile %s/server.pem\nkeyfile %s/server.key\nrequire_certificate true\nallow_anonymous "
                  "true\nuser root\n",
                  port, ca_file, chips.dir, chips.dir);
    (void)fclose(file);
    if ((broker = fork()) == 0) {
        char search[1024];

        (void)snprintf(search, sizeof(search), "%s:/usr/sbin", getenv("PATH"));
        (void)setenv("PATH", search, 1);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(127);
        (void)execlp("mosquitto", "mosquitto", "-c", path, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 100 && !answers(number) && waitpid(broker, NULL, WNOHANG) == 0; i++)
        (void)usleep(50000);
    return answers(number);
}

static int
start(void **state)
{
    if (ca_start(state) != 0)
        return -1;
    if (broker_start())
        return 0;
    (void)ca_stop(state);
    print_message("mosquitto does not start: tools/deps run\n");
    return -1;
}

static int
stop(void **state)
{
    (void)kill(broker, SIGKILL);
    (void)waitpid(broker, NULL, 0);
    return ca_stop(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        { "hardware_keys_publish soft", hardware_keys_publish, NULL, NULL, chips.uri[VIRTUAL_SOFT] },
        { "hardware_keys_publish puf", hardware_keys_publish, NULL, NULL, chips.uri[VIRTUAL_PUF] },
        { "hardware_keys_publish pkcs11", hardware_keys_publish, NULL, NULL, chips.uri[VIRTUAL_PKCS11] },
        { "hardware_keys_publish tpm2", hardware_keys_publish, NULL, NULL, chips.uri[VIRTUAL_TPM2] },
        cmocka_unit_test(a_stranger_does_not),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
