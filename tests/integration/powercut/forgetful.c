/* forgetful.c: writes as told, says what it believes to be durable, and dies. It shows that powercut works: who
 * forgets a sync must lose something under it.
 *
 *   forgetful nothing|file|folder|all FOLDER    replaces FOLDER/kept by way of FOLDER/new; what was synced on the way
 *   forgetful sqlite-off|sqlite-full FOLDER     adds rows to a database, with SQLite's syncs off or on */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 20, BYTES = 20000 };

static void must(bool true_it_is, const char *what)
{
    if (true_it_is)
        return;
    perror(what);
    exit(1);
}

/* A line for each thing that a user would now rely on. */
static void tell(int number)
{
    printf("%d\n", number);
    fflush(stdout);
}

static void write_text(int number, bool sync)
{
    char text[BYTES];
    memset(text, 'a' + number, sizeof(text));
    int fd = open("new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    must(fd >= 0, "open");
    must(write(fd, text, sizeof(text) / 2) == (ssize_t)(sizeof(text) / 2), "write");
    must(write(fd, text, sizeof(text) / 2) == (ssize_t)(sizeof(text) / 2), "write");
    must(!sync || fdatasync(fd) == 0, "fdatasync");
    close(fd);
}

static void replace(bool sync_file, bool sync_folder)
{
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(here >= 0, "open");
    for (int number = 1; number <= ROUNDS; number++) {
        write_text(number, sync_file);
        must(rename("new", "kept") == 0, "rename");
        must(!sync_folder || fsync(here) == 0, "fsync");
        tell(number);
    }
}

static void add_rows(const char *settings)
{
    sqlite3 *db = NULL;
    must(sqlite3_open("rows.db", &db) == SQLITE_OK, "sqlite3_open");
    must(sqlite3_exec(db, settings, NULL, NULL, NULL) == SQLITE_OK, "settings");
    must(sqlite3_exec(db, "CREATE TABLE rows(number INTEGER, ballast BLOB)", NULL, NULL, NULL) == SQLITE_OK, "table");
    for (int number = 1; number <= 2 * ROUNDS; number++) {
        char sql[100];
        snprintf(sql, sizeof(sql), "INSERT INTO rows VALUES(%d, randomblob(3000))", number);
        must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "insert");
        tell(number);
    }
}

int main(int argc, char **argv)
{
    must(argc == 3 && chdir(argv[2]) == 0, "forgetful HOW FOLDER");
    const char *how = argv[1];
    if (strcmp(how, "sqlite-off") == 0)
        add_rows("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=20");
    else if (strcmp(how, "sqlite-full") == 0)
        add_rows("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=20");
    else
        replace(strcmp(how, "file") == 0 || strcmp(how, "all") == 0,
                strcmp(how, "folder") == 0 || strcmp(how, "all") == 0);
    raise(SIGKILL);
    return 1;
}
