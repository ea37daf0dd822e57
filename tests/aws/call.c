/* call.c: one call to a service by the client that all ports share, for test_client.py to look at.
 *
 *   call SERVICE OPERATION METHOD BUCKET PATH QUERY BODY [TIMES]
 *
 * "-" is an empty argument. The credentials and the address come from the environment, and the time of a call (DEADLINE_MS). Prints a line for each of so many calls: the
 * code, the status, the attempts, the service's code, the id of the request, and the sentence. */
#include <stdio.h>
#include <stdlib.h>

#include "aws/client.h"
#include "embedded/embedded.h"

enum { DEADLINE_MS = 20000 };

static int64_t deadline_ms(void)
{
    const char *text = getenv("DEADLINE_MS");
    return text ? atoi(text) : DEADLINE_MS;
}

static struct dm_str variable(void *context, const char *name)
{
    return dm_str_z(getenv(name));
}

static struct dm_str argument(char **arguments, int number)
{
    struct dm_str text = dm_str_z(arguments[number]);
    return dm_str_eq(text, DM_STR("-")) ? DM_STR("") : text;
}

static enum dm_aws_service service_of(struct dm_str title)
{
    int number = 0;
    while (number < DM_AWS_SERVICE_COUNT - 1 &&
           !dm_str_eq(dm_str_z(dm_aws_service((enum dm_aws_service)number)->title), title))
        number++;
    return (enum dm_aws_service)number;
}

static void call(struct dm_aws *aws, char **arguments)
{
    const struct dm_aws_operation operation = { .service = service_of(argument(arguments, 1)),
                                                .name = arguments[2],
                                                .method = argument(arguments, 3).len > 0 ? arguments[3] : NULL,
                                                .bucket = argument(arguments, 4),
                                                .path = argument(arguments, 5),
                                                .query = argument(arguments, 6),
                                                .body = argument(arguments, 7) };
    struct dm_aws_answer answer = { .status = 0 };
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc = dm_aws_call(aws, &operation, dm_mono_ms(dm_aws_runtime(aws)) + deadline_ms(), &answer, &err);
    (void)printf("%s|%u|%u|%s|%s|%s\n", dm_code_name(rc), answer.status, answer.attempts, answer.code,
                 answer.request_id, rc == DM_OK ? "" : err.text);
    (void)fflush(stdout);
    dm_aws_answer_free(&answer);
}

int main(int count, char **arguments)
{
    if (count < 8)
        return 2;
    const struct dm_aws_options options = { .runtime = dm_threads_runtime(), .environment = { variable, NULL } };
    struct dm_aws *aws = NULL;
    struct dm_err err = { .code = DM_OK };
    if (dm_aws_open(&options, &aws, &err) != DM_OK) {
        (void)printf("%s|0|0|||%s\n", dm_code_name(err.code), err.text);
        return 0;
    }
    for (int i = count > 8 ? atoi(arguments[8]) : 1; i > 0; i--)
        call(aws, arguments);
    dm_aws_close(aws);
    return 0;
}
