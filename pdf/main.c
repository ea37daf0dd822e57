/* main.c: docmill-pdf, the document helper.
 *
 *   docmill-pdf text                       reads PDF, PNG, JPEG, TIFF, EPUB and plain text
 *   docmill-pdf ocr [FOLDER [LANGUAGES]]   reads pictures of text; Tesseract's data folder and languages
 *
 * Started by docmill, with a socket at descriptor 3, never by people. What it speaks there stands in
 * base/frame.h. It becomes a zygote (zygote.h), which forks workers (worker.h), which close their sandbox
 * (sandbox.h) before they read anything. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ocr.h"
#include "sandbox.h"
#include "zygote.h"

#ifdef __SANITIZE_ADDRESS__
/* Children are killed, not ended, so leaks are looked for in the unit tests; and a refused allocation is
 * the ordinary answer to a bomb, not an error. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:allocator_may_return_null=1";
}
#endif

/* Until a worker knows its own: what is loaded at the start is a few megabytes. */
enum { START_MEMORY = 256 << 20 };

static int usage(void)
{
    fputs("docmill-pdf " DM_VERSION " is started by docmill, not by people.\n"
          "Free software under the GNU Affero General Public License, version 3 or later.\n",
          stderr);
    return 2;
}

/* Nothing of the environment it was started in stays: no folder, no foreign descriptor, no input. */
static bool leave_world(void)
{
    if (chdir("/") != 0)
        return false;
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return false;
    if (null > STDERR_FILENO)
        close(null);
    for (int fd = DM_FRAME_SOCKET + 1; fd < 64; fd++)
        close(fd);
    signal(SIGPIPE, SIG_IGN);
    return true;
}

/* Libraries think aloud on standard error. The dynamic linker and what hinders the start may still be
 * heard. */
static void hush(void)
{
#if !defined(DM_SANDBOX_TRAP) && !defined(DM_PDF_VERBOSE) && !defined(__SANITIZE_ADDRESS__)
    if (dup2(STDIN_FILENO, STDERR_FILENO) < 0)
        close(STDERR_FILENO);
#endif
}

static int run_text(struct dm_err *err)
{
    static struct engine engine;
    if (!engine_start(&engine, START_MEMORY)) {
        zygote_excuse("MuPDF cannot be started");
        return 1;
    }
    if (sandbox_prepare(SANDBOX_TEXT, err) != DM_OK) {
        zygote_excuse(err->text);
        return 1;
    }
    hush();
    int status = zygote_run(&engine);
    engine_stop(&engine);
    return status;
}

static int run_ocr(const char *folder, const char *languages, struct dm_err *err)
{
    if (ocr_start(folder, languages, err) != DM_OK || sandbox_prepare(SANDBOX_OCR, err) != DM_OK) {
        zygote_excuse(err->text);
        return 1;
    }
    hush();
    ocr_warm_up();
    int status = zygote_run(NULL);
    ocr_stop();
    return status;
}

int main(int count, char **arguments)
{
    struct stat about;
    struct dm_err err = { 0 };
    if (count < 2 || fstat(DM_FRAME_SOCKET, &about) != 0 || !S_ISSOCK(about.st_mode))
        return usage();
    bool text = strcmp(arguments[1], "text") == 0;
    if (!text && strcmp(arguments[1], "ocr") != 0)
        return usage();
    if (!leave_world()) {
        zygote_excuse("/dev/null is not there");
        return 1;
    }
    sandbox_drop_ids();
    if (text)
        return run_text(&err);
    const char *folder = count > 2 && arguments[2][0] ? arguments[2] : NULL;
    const char *languages = count > 3 && arguments[3][0] ? arguments[3] : NULL;
    return run_ocr(folder, languages, &err);
}
