/* test_channel.c - messages arrive whole or are refused; a peer that is gone is told from one that is silent. */
#include "base/base.h"
#include "proc/channel.h"

#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static uint8_t buffer[BM_MAX_MESSAGE + 1], big[BM_MAX_MESSAGE + 1];

static int
setup(void **state)
{
    static int fds[2];
    struct bm_fail fail;

    assert_int_equal(bm_channel_pair(fds, &fail), BM_OK);
    *state = fds;
    return 0;
}

static int
teardown(void **state)
{
    int *fds = *state;

    if (fds[0] >= 0)
        (void)close(fds[0]);
    (void)close(fds[1]);
    return 0;
}

static void
a_message_arrives_as_it_was_sent(void **state)
{
    int *fds = *state;
    struct bm_message out = { .type = 0x0102, .id = 0x1122334455667788, .body = bm_bytes_str("abc") }, in;
    struct bm_fail fail;
    enum bm_heard heard;
    static const uint8_t exact[] = { 0, 1, 1, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 'a', 'b', 'c' };

    assert_int_equal(bm_channel_send(fds[0], &out, &fail), BM_OK);
    assert_int_equal(recv(fds[1], buffer, sizeof(buffer), MSG_PEEK), (int)sizeof(exact));
    assert_memory_equal(buffer, exact, sizeof(exact));
    assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, BM_MAX_MESSAGE, -1, &fail), BM_OK);
    assert_int_equal(heard, BM_HEARD_MESSAGE);
    assert_int_equal(in.version, 1);
    assert_int_equal(in.type, 0x0102);
    assert_true(in.id == 0x1122334455667788);
    assert_true(bm_bytes_equal(in.body, bm_bytes_str("abc")));
}

static void
the_largest_message_fits_and_one_byte_more_does_not(void **state)
{
    int *fds = *state;
    struct bm_message out = { .type = 1, .body = bm_bytes(big, BM_MAX_MESSAGE_BODY) }, in;
    struct bm_fail fail;
    enum bm_heard heard;

    memset(big, 0x5a, sizeof(big));
    assert_int_equal(bm_channel_send(fds[0], &out, &fail), BM_OK);
    assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, BM_MAX_MESSAGE, 1000, &fail), BM_OK);
    assert_int_equal(heard, BM_HEARD_MESSAGE);
    assert_int_equal(in.body.n, BM_MAX_MESSAGE_BODY);
    assert_memory_equal(in.body.p, big, BM_MAX_MESSAGE_BODY);

    out.body.n++;
    assert_int_equal(bm_channel_send(fds[0], &out, &fail), BM_EINPUT);
}

static void
a_message_longer_than_the_buffer_is_refused_not_cut(void **state)
{
    int *fds = *state;
    struct bm_message out = { .type = 1, .body = bm_bytes(big, 100) }, in = { .type = 99 };
    struct bm_fail fail;
    enum bm_heard heard;

    assert_int_equal(bm_channel_send(fds[0], &out, &fail), BM_OK);
    assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, 100, 1000, &fail), BM_EINPUT);
    assert_string_equal(fail.text, "a message is longer than 100 bytes");
    assert_int_equal(in.type, 99);
    /* Nor is one past BM_MAX_MESSAGE, whatever buffer is given. */
    assert_int_equal(send(fds[0], big, BM_MAX_MESSAGE + 1, 0), BM_MAX_MESSAGE + 1);
    assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, sizeof(buffer), 1000, &fail), BM_EINPUT);
}

static void
every_truncation_of_a_head_is_refused(void **state)
{
    int *fds = *state;
    struct bm_message in;
    struct bm_fail fail;
    enum bm_heard heard;
    static const uint8_t head[BM_MESSAGE_HEAD] = { 0, 1, 0, 1 };

    for (size_t n = 0; n < sizeof(head); n++)
        assert_int_equal(bm_message_parse(&in, bm_bytes(head, n), &fail), BM_EINPUT);
    for (size_t n = 1; n < sizeof(head); n++) {
        assert_int_equal(send(fds[0], head, n, 0), (int)n);
        assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, BM_MAX_MESSAGE, 1000, &fail), BM_EINPUT);
    }
    assert_int_equal(bm_message_parse(&in, bm_bytes(head, sizeof(head)), &fail), BM_OK);
    assert_int_equal(in.body.n, 0);
}

static void
another_version_is_refused(void **state)
{
    struct bm_message in;
    struct bm_fail fail;
    static const uint8_t two[BM_MESSAGE_HEAD] = { 0, 2 }, swapped[BM_MESSAGE_HEAD] = { 1, 0 };

    (void)state;
    assert_int_equal(bm_message_parse(&in, bm_bytes(two, sizeof(two)), &fail), BM_EINPUT);
    assert_int_equal(bm_message_parse(&in, bm_bytes(swapped, sizeof(swapped)), &fail), BM_EINPUT);
}

static void
silence_is_not_the_end(void **state)
{
    int *fds = *state;
    struct bm_message out = { .type = 1 }, in;
    struct bm_fail fail;
    enum bm_heard heard;

    assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, BM_MAX_MESSAGE, 0, &fail), BM_OK);
    assert_int_equal(heard, BM_HEARD_NOTHING);
    assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, BM_MAX_MESSAGE, 20, &fail), BM_OK);
    assert_int_equal(heard, BM_HEARD_NOTHING);
    assert_int_equal(bm_channel_send(fds[0], &out, &fail), BM_OK);
    (void)close(fds[0]);
    fds[0] = -1;
    /* What was said before the end is still heard. */
    assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, BM_MAX_MESSAGE, -1, &fail), BM_OK);
    assert_int_equal(heard, BM_HEARD_MESSAGE);
    assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, BM_MAX_MESSAGE, -1, &fail), BM_OK);
    assert_int_equal(heard, BM_HEARD_END);
    assert_int_equal(bm_channel_send(fds[1], &out, &fail), BM_EBUSY);
}

static void
a_passed_descriptor_is_refused_and_not_kept(void **state)
{
    int *fds = *state;
    struct bm_message in;
    struct bm_fail fail;
    enum bm_heard heard;
    uint8_t head[BM_MESSAGE_HEAD] = { 0, 1, 0, 1 };
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { .space = { 0 } };
    struct iovec part = { head, sizeof(head) };
    struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
    int next = dup(0);

    (void)close(next);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fds[0], sizeof(int));
    assert_int_equal(sendmsg(fds[0], &packet, 0), (int)sizeof(head));
    assert_int_equal(bm_channel_recv(&heard, &in, fds[1], buffer, BM_MAX_MESSAGE, 1000, &fail), BM_EINPUT);
    assert_int_equal(fcntl(next, F_GETFD), -1);
}

static void
an_offer_to_a_full_queue_does_not_wait(void **state)
{
    int *fds = *state;
    struct bm_message out = { .type = 1, .body = bm_bytes(big, BM_MAX_MESSAGE_BODY) };
    struct bm_fail fail;
    bool sent = true;
    int n = 0;

    while (sent && n < 1000) {
        assert_int_equal(bm_channel_offer(&sent, fds[0], &out, &fail), BM_OK);
        n += sent;
    }
    assert_false(sent);
    assert_in_range(n, 2, 8); /* two of the largest always fit */
}

static void
a_full_queue_is_waited_for(void **state)
{
    int *fds = *state;
    struct bm_message out = { .type = 1, .body = bm_bytes(big, BM_MAX_MESSAGE_BODY) }, in;
    struct bm_fail fail;
    enum bm_heard heard;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        for (uint64_t i = 0; i < 50; i++)
            if (bm_channel_recv(&heard, &in, fds[1], buffer, BM_MAX_MESSAGE, 10000, &fail) != BM_OK || heard != BM_HEARD_MESSAGE ||
                in.id != i)
                _exit(1);
        _exit(0);
    }
    for (out.id = 0; out.id < 50; out.id++)
        assert_int_equal(bm_channel_send(fds[0], &out, &fail), BM_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_arrives_as_it_was_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_message_fits_and_one_byte_more_does_not, setup, teardown),
        cmocka_unit_test_setup_teardown(a_message_longer_than_the_buffer_is_refused_not_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(every_truncation_of_a_head_is_refused, setup, teardown),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test_setup_teardown(silence_is_not_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_passed_descriptor_is_refused_and_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(an_offer_to_a_full_queue_does_not_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_queue_is_waited_for, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
