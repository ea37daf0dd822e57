"""The program as people and scripts call it: JSON alone on standard output, progress on standard error, and exit
statuses that can be relied on: 0 done, 1 failed, 2 not known, 64 wrong use."""
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess

import pytest
from PIL import Image

import papers
from papers import marker
from world import check_analysis, descendants, environment, fresh, living, session_members, until

DONE, FAILED, NOT_KNOWN, USAGE = 0, 1, 2, 64
NOBODY = "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b"
COMMANDS = "run serve submit status watch results pages cancel retry delete jobs stuck redrive pause resume secret drain init doctor settings completion help".split()


@pytest.fixture
def docmill(binary, tmp_path):
    """Calls the program in a folder of its own."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()

    def call(*arguments, input=None, seconds=90, **settings):
        return subprocess.run(
            [binary, *map(str, arguments)],
            cwd=work,
            env=environment(home, settings),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            timeout=seconds,
        )

    call.binary, call.work, call.home = binary, work, home
    return call


@pytest.fixture
def remote(docmill, prompt_server):
    """The same, talking to a server as a tenant of its own."""
    settings = {"DOCMILL_SERVER": prompt_server.url, "DOCMILL_TENANT": fresh("cli")}

    def call(*arguments, **options):
        return docmill(*arguments, **(settings | options))

    call.work = docmill.work
    call.client = prompt_server.client(settings["DOCMILL_TENANT"])
    return call


def write(call, name, data):
    (call.work / name).write_bytes(data)
    return name


def said(done, status=DONE):
    assert done.returncode == status, (done.returncode, done.stdout.decode()[-500:], done.stderr.decode()[-2000:])
    return done.stdout.decode()


# ---- run ------------------------------------------------------------------------------------------------------------


def test_run_reads_a_document_without_a_server_and_prints_json_alone(docmill):
    done = docmill("run", write(docmill, "report.pdf", papers.text_pdf(5)))
    result = json.loads(said(done))
    assert (result["totalPages"], result["successCount"], result["failedCount"]) == (5, 5, 0)
    assert [chunk["pageNumber"] for chunk in result["chunks"]] == [1, 2, 3, 4, 5]
    assert result["fileName"] == "report.pdf"
    check_analysis(result["chunks"][0]["analysis"])
    assert b"\x1b" not in done.stdout + done.stderr, "no colours where there is no terminal"
    assert list(docmill.home.iterdir()) == [], "nothing stays behind"


def test_run_reads_several_documents_into_one_array_in_their_order(docmill):
    names = [write(docmill, "b.txt", papers.plain_text(2)), write(docmill, "a.pdf", papers.text_pdf(3)), write(docmill, "c.pdf", papers.tiny_pdf())]
    results = json.loads(said(docmill("run", *names)))
    assert [(result["fileName"], result["totalPages"]) for result in results] == [("b.txt", 2), ("a.pdf", 3), ("c.pdf", 1)]


def test_run_prints_markdown_or_json_lines_where_asked(docmill):
    name = write(docmill, "a.pdf", papers.text_pdf(2))
    assert said(docmill("run", "--format", "md", name)).startswith("#")
    lines = [json.loads(line) for line in said(docmill("run", "--format=jsonl", name)).splitlines()]
    assert lines[0]["totalPages"] == 2 and [line["pageNumber"] for line in lines[1:]] == [1, 2]


def test_run_goes_on_when_one_document_fails_and_says_so_by_its_status(docmill):
    good, bad = write(docmill, "good.pdf", papers.text_pdf(1)), write(docmill, "bad.pdf", papers.pdf_without_pages())
    other = write(docmill, "page.html", b"<html>")
    results = json.loads(said(docmill("run", good, bad, other, "missing.pdf"), FAILED))
    assert len(results) == 4
    assert results[0]["successCount"] == 1
    assert all("error" in result for result in results[1:]), results[1:]
    assert results[1]["error"]["reason"] in ("no_pages", "damaged")


def test_run_exits_1_where_single_pages_failed(docmill):
    result = json.loads(said(docmill("run", write(docmill, "a.pdf", papers.pdf_with_damaged_pages(3))), FAILED))
    assert result["failedCount"] == 1 and result["successCount"] == 2


def test_run_reads_chosen_pages_and_opens_what_is_encrypted(docmill):
    name = write(docmill, "a.pdf", papers.encrypted(papers.text_pdf(5), "open sesame"))
    write(docmill, "password.txt", b"open sesame\n")
    result = json.loads(said(docmill("run", "--pages", "2-3", "--password-file", "password.txt", name)))
    assert [chunk["status"] for chunk in result["chunks"]] == ["skipped", "done", "done", "skipped", "skipped"]
    failed = docmill("run", name)
    assert failed.returncode == FAILED and b"password" in failed.stderr


def test_run_reads_standard_input(docmill):
    result = json.loads(said(docmill("run", "-", "--name", "piped.pdf", input=papers.text_pdf(2))))
    assert (result["fileName"], result["totalPages"]) == ("piped.pdf", 2)


def test_run_writes_one_file_for_each_document_where_told(docmill):
    names = [write(docmill, "a.pdf", papers.text_pdf(1)), write(docmill, "b.txt", papers.plain_text(1))]
    told = said(docmill("run", "--out", "results", "--format", "md", *names)).split()
    written = sorted(str(path.relative_to(docmill.work)) for path in (docmill.work / "results").iterdir())
    assert written == sorted(told) and len(written) == 2 and all(name.endswith(".md") for name in written)


def test_run_of_a_file_that_is_not_there_fails_and_names_it(docmill):
    done = docmill("run", "nowhere.pdf")
    assert done.returncode == FAILED and b"nowhere.pdf" in done.stderr


def test_run_interrupted_leaves_no_folder_and_no_process(docmill):
    name = write(docmill, "hang.pdf", papers.hanging_pdf(2, hanging=(1, 2)))
    process = subprocess.Popen(
        [docmill.binary, "run", name],
        cwd=docmill.work,
        env=environment(docmill.home, {"PAGE_TIMEOUT_SECONDS": 600}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    until(lambda: list(docmill.home.iterdir()) and len(descendants(process.pid)) >= 2, "it is at work")
    helpers = set(descendants(process.pid))
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=15)
    assert process.returncode not in (0,) and out == b""
    assert list(docmill.home.iterdir()) == []
    until(lambda: not session_members(process.pid) | living(helpers), "its helpers are gone", 5)


def test_a_later_run_clears_nothing_that_belongs_to_others(docmill):
    (docmill.home / "mine").write_text("mine")
    said(docmill("run", write(docmill, "a.pdf", papers.tiny_pdf())))
    assert [path.name for path in docmill.home.iterdir()] == ["mine"]


def test_progress_goes_to_standard_error_and_can_be_silenced(docmill):
    name = write(docmill, "a.pdf", papers.slow_pdf(30, levels=4))
    assert b"" == docmill("run", "--quiet", name).stderr
    json.loads(said(docmill("run", name)))


def test_a_terminal_gets_a_progress_bar_that_leaves_standard_output_pure(docmill):
    name = write(docmill, "a.pdf", papers.slow_pdf(40, levels=4))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [docmill.binary, "run", name],
        cwd=docmill.work,
        env=environment(docmill.home, {"TERM": "xterm", "LANG": "C.UTF-8"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    out = process.stdout.read()
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass
    os.close(ours)
    assert process.wait(30) == 0
    json.loads(out)
    assert b"%" in shown or b"40" in shown, shown[-400:]


def on_a_terminal(docmill, *arguments, **settings):
    """What the program writes to a terminal that is its standard error, until it ends or says that it listens."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [docmill.binary, *map(str, arguments)],
        cwd=docmill.work,
        env=environment(docmill.home, {"TERM": "xterm", "LANG": "C.UTF-8"} | settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
            if b"Ctrl-C stops it" in shown and process.poll() is None:
                process.send_signal(signal.SIGTERM)
    except OSError:
        pass
    os.close(ours)
    assert process.wait(30) == 0
    return shown


@pytest.mark.parametrize("settings", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["no_color", "dumb"])
def test_the_log_on_a_terminal_has_colours_only_where_they_are_wanted(docmill, settings):
    serve = "serve", "--data", docmill.work / "data", "--port", 0
    assert b"\x1b[" in on_a_terminal(docmill, *serve)
    plain = on_a_terminal(docmill, *serve, **settings)
    assert b"server.listening" in plain and b"server.stopped" in plain and b"\x1b" not in plain, plain


def test_the_installed_tree_works_wherever_it_was_moved(docmill, tmp_path):
    moved = tmp_path / "moved"
    (moved / "bin").mkdir(parents=True)
    (moved / "libexec" / "docmill").mkdir(parents=True)
    build = os.path.dirname(docmill.binary)
    shutil.copy(docmill.binary, moved / "bin")
    os.symlink(os.path.join(build, "docmill-pdf"), moved / "libexec" / "docmill" / "docmill-pdf")
    done = subprocess.run(
        [moved / "bin" / "docmill", "run", write(docmill, "a.txt", b"A note.")],
        cwd=docmill.work,
        env=environment(docmill.home, {}),
        capture_output=True,
        timeout=60,
    )
    assert json.loads(said(done))["successCount"] == 1


def test_an_empty_file_is_told_by_its_name(docmill, remote):
    for call, command in (docmill, "run"), (remote, "submit"):
        done = call(command, write(docmill, "empty.pdf", b""))
        assert done.returncode == FAILED and b"cannot read empty.pdf: it is empty" in done.stderr, done.stderr


# ---- a server's clients ---------------------------------------------------------------------------------------------


def test_pages_says_why_a_document_has_none_and_what_helps(remote):
    name = write(remote, "locked.pdf", papers.encrypted(papers.text_pdf(2), "open sesame"))
    (file_id,) = said(remote("submit", "--wait", name), FAILED).split()
    shown = said(remote("pages", file_id))
    assert "not been counted yet" not in shown and "encrypted" in shown, shown


def test_whoever_meets_an_encrypted_document_is_told_what_to_type(docmill, server):
    name = write(docmill, "locked.pdf", papers.encrypted(papers.text_pdf(2), "open sesame"))
    for command in "run", "submit":
        done = docmill(command, name, DOCMILL_SERVER=server.url)
        assert done.returncode == FAILED and b"--password-file" in done.stderr, done.stderr
    write(docmill, "password", b"open sesame\n")
    said(docmill("run", name, "--password-file", "password"))


def test_one_page_is_shown_with_its_number_and_no_line_wider_than_the_text(remote):
    sentence = b"The committee of the harbour decided on Monday that the old lamp at the gate will be replaced soon. "
    (file_id,) = said(remote("submit", "--wait", write(remote, "a.txt", sentence * 3 + b"\n"))).split()
    shown = said(remote("pages", file_id, "1")).split("\nText\n")[0]
    assert re.search(r"^page +1$", shown, re.M) and re.search(r"^status +done$", shown, re.M), shown
    assert all(len(line) <= 80 for line in shown.splitlines()), shown
    table = said(remote("pages", file_id)).splitlines()
    assert table[0].split("  ")[-1].strip() == "MODEL TOOK" and table[1].endswith("ms"), table


def test_submit_prints_one_id_a_line(remote):
    names = [write(remote, f"{n}.txt", b"A note.") for n in range(3)]
    ids = said(remote("submit", *names)).split()
    assert len(ids) == 3
    for file_id in ids:
        remote.client.document(file_id).end("completed")


def test_submit_waits_where_told_and_its_status_speaks_of_the_documents(remote):
    good = write(remote, "good.pdf", papers.text_pdf(2))
    bad = write(remote, "bad.pdf", papers.pdf_without_pages())
    partial = write(remote, "partial.pdf", papers.pdf_with_damaged_pages(3))
    said(remote("submit", "--wait", good))
    said(remote("submit", "--wait", bad), FAILED)
    said(remote("submit", "--wait", partial), FAILED)
    said(remote("submit", "--wait", good, bad), FAILED)
    said(remote("submit", bad))


def test_submit_as_json_carries_the_finished_job(remote):
    answer = json.loads(said(remote("submit", "--wait", "--json", write(remote, "a.pdf", papers.text_pdf(2)))))
    assert answer["job"]["status"] == "completed" and answer["fileId"] == answer["job"]["fileId"]
    many = json.loads(said(remote("submit", "--wait", "--json", "a.pdf", "a.pdf")))
    assert [one["job"]["status"] for one in many] == ["completed", "completed"]


def test_submit_hands_on_what_it_is_told_about_the_document(remote):
    done = remote(
        "submit", "--json", "--wait", "--pages", "2", "--metadata", '{"case":7}', "--priority", "0", "--name", "other.pdf",
        write(remote, "a.pdf", papers.text_pdf(3)),
    )
    job = json.loads(said(done))["job"]
    assert (job["fileName"], job["metadata"], job["priority"], job["pages"]["done"]) == ("other.pdf", {"case": 7}, 0, 1)


def test_submit_under_the_same_key_is_the_same_document(remote):
    name = write(remote, "a.pdf", papers.tiny_pdf())
    ids = {said(remote("submit", "--idempotency-key", "once", name)).strip() for _ in range(2)}
    assert len(ids) == 1


def test_submit_of_what_is_refused_fails_with_the_servers_words(remote):
    done = remote("submit", write(remote, "page.html", b"<html>"))
    assert done.returncode == FAILED and b"page.html" in done.stderr
    done = remote("submit", "--json", "page.html")
    assert done.returncode == FAILED
    assert json.loads(done.stderr)["error"]["status"] == 415


def test_status_says_it_by_its_exit_too(remote):
    good = remote.client.submit(papers.tiny_pdf())
    bad = remote.client.submit(papers.pdf_without_pages())
    slow = remote.client.submit(papers.slow_pdf(400, draws=13, levels=4))
    good.end(), bad.end()
    assert "completed" in said(remote("status", good.id))
    assert "failed" in said(remote("status", bad.id), FAILED)
    said(remote("status", slow.id), NOT_KNOWN)
    said(remote("status", NOBODY), NOT_KNOWN)
    said(remote("status", "nonsense"), NOT_KNOWN)
    job = json.loads(said(remote("status", "--json", good.id)))
    assert job["fileId"] == good.id
    slow.cancel()
    said(remote("status", slow.id), FAILED)


def test_watch_follows_documents_to_their_ends(remote):
    one, two = (remote.client.submit(papers.slow_pdf(10, levels=4)) for _ in range(2))
    said(remote("watch", one.id, two.id))
    assert one.job()["status"] == two.job()["status"] == "completed"
    jobs = json.loads(said(remote("watch", "--json", one.id, two.id)))
    assert [job["fileId"] for job in jobs] == [one.id, two.id]
    slow = remote.client.submit(papers.slow_pdf(400, draws=13, levels=4))
    said(remote("watch", "--timeout", "1", slow.id), NOT_KNOWN)
    assert slow.job()["status"] == "processing"
    slow.cancel()


def test_results_come_in_every_form_and_into_a_file(remote):
    document = remote.client.submit(papers.text_pdf(2))
    document.end("completed")
    assert json.loads(said(remote("results", document.id)))["totalPages"] == 2
    assert said(remote("results", document.id, "--format", "md")).startswith("#")
    assert len(said(remote("results", document.id, "--format", "jsonl")).splitlines()) == 3
    assert said(remote("results", document.id, "--out", "report.json")) == ""
    assert json.loads((remote.work / "report.json").read_bytes())["fileId"] == document.id


def test_results_that_are_not_there_say_whether_they_will_be(remote):
    slow = remote.client.submit(papers.slow_pdf(300, levels=4))
    slow.until(lambda job: job["progress"]["processed"] >= 1, "a page is done")
    done = remote("results", slow.id)
    assert (done.returncode, done.stdout) == (NOT_KNOWN, b"")
    assert json.loads(said(remote("results", "--partial", slow.id)))["successCount"] >= 1
    slow.cancel()
    done = remote("results", slow.id)
    assert (done.returncode, done.stdout) == (FAILED, b"")
    assert not (remote.work / "none.json").exists()
    remote("results", slow.id, "--out", "none.json")
    assert not (remote.work / "none.json").exists(), "a file appears when it is complete, or not at all"


def test_pages_can_be_looked_at_one_by_one(remote):
    document = remote.client.submit(papers.pdf_with_damaged_pages(3, damaged=(2,)))
    document.end("completed")
    table = said(remote("pages", document.id))
    assert "damaged" in table and table.count("done") == 2
    assert marker(3) in said(remote("pages", document.id, "3"))
    assert said(remote("pages", document.id, "1", "--text")).startswith("Chapter 1 begins")
    listed = json.loads(said(remote("pages", "--json", document.id)))
    assert [page["pageNumber"] for page in listed["pages"]] == [1, 2, 3]
    said(remote("pages", document.id, "1", "--image", "one.png"))
    assert Image.open(remote.work / "one.png").format == "PNG"
    said(remote("pages", document.id, "1", "--image", "one.jpg"))
    assert Image.open(remote.work / "one.jpg").format == "JPEG"
    said(remote("pages", document.id, "9"), NOT_KNOWN)
    said(remote("pages", document.id, "zero"), USAGE)


def test_cancel_retry_and_delete_change_a_document(remote):
    slow = remote.client.submit(papers.slow_pdf(300, levels=4))
    said(remote("cancel", slow.id))
    assert slow.job()["status"] == "cancelled"
    said(remote("cancel", slow.id), FAILED)
    said(remote("cancel", NOBODY), NOT_KNOWN)
    bad = remote.client.submit(papers.pdf_with_damaged_pages(3))
    bad.end("completed")
    assert json.loads(said(remote("retry", "--json", bad.id)))["epoch"] == 2
    bad.end("completed")
    said(remote("retry", "--pages", "1", bad.id))
    assert bad.end("completed")["epoch"] == 3
    said(remote("delete", bad.id, slow.id))
    assert remote.client.get(bad.path()).status_code == 404
    said(remote("delete", bad.id), NOT_KNOWN)


def test_jobs_lists_what_there_is(remote):
    good = remote.client.submit(papers.tiny_pdf(), "the good one.pdf")
    bad = remote.client.submit(papers.pdf_without_pages(), "the bad one.pdf")
    good.end(), bad.end()
    table = said(remote("jobs"))
    assert "the good one.pdf" in table and "the bad one.pdf" in table
    assert "the good one.pdf" not in said(remote("jobs", "--status", "failed"))
    rows = json.loads(said(remote("jobs", "--json")))["jobs"]
    assert [row["fileId"] for row in rows] == [bad.id, good.id]
    assert len(json.loads(said(remote("jobs", "--json", "--limit", "1")))["jobs"]) == 1
    assert json.loads(said(remote("jobs", "--json", "--from", "2199-01-01")))["jobs"] == []


def test_a_name_that_would_play_tricks_on_a_terminal_is_shown_harmlessly(remote, prompt_server):
    remote.client.submit(papers.tiny_pdf(), "a\u202egpj.exe.pdf").end("completed")
    table = said(remote("jobs"))
    assert "\u202e" not in table and "\x1b" not in table


def test_a_server_that_is_not_there_is_not_known(docmill):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        write(docmill, "a.pdf", papers.tiny_pdf())
        for call in (["status", NOBODY], ["jobs"], ["results", NOBODY], ["submit", "a.pdf"], ["cancel", NOBODY]):
            done = docmill(*call, DOCMILL_SERVER=address)
            assert (done.returncode, done.stdout) == (NOT_KNOWN, b""), call
            assert address.encode() in done.stderr
        error = json.loads(docmill("jobs", "--json", "--server", address).stderr)["error"]
        assert error["exit"] == NOT_KNOWN and error["message"] and error["hint"]


def test_something_that_is_no_docmill_server_is_told_apart(docmill):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        process = subprocess.Popen(
            [docmill.binary, "jobs", "--server", f"http://127.0.0.1:{other.getsockname()[1]}"],
            env=environment(docmill.home, {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        connection, _ = other.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")
        connection.close()
        out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (NOT_KNOWN, b"")


# ---- serve ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "10.0.0.1:0", "example.com:0", ":3005", "*:3005"])
def test_serve_refuses_to_listen_where_others_could_reach_it_without_a_credential(docmill, listen):
    done = docmill("serve", "--data", docmill.work / "data", LISTEN=listen, seconds=15)
    assert done.returncode == USAGE, done.stderr
    assert b"loopback" in done.stderr or b"127.0.0.1" in done.stderr
    assert not (docmill.work / "data" / "docmill.db").exists()


def test_serve_names_every_setting_that_is_wrong_at_once(docmill):
    done = docmill("serve", PORT="70000", MAX_PAGES="0", PAGE_TIMEOUT_SECONDS="soon", MODEL="oracle:", LOG_LEVEL="loud", STORE="dynamodb:x")
    assert done.returncode == USAGE and done.stdout == b""
    for name in (b"PORT", b"MAX_PAGES", b"PAGE_TIMEOUT_SECONDS", b"MODEL", b"LOG_LEVEL", b"STORE"):
        assert name in done.stderr, done.stderr.decode()


def test_serve_takes_settings_from_a_file_and_flags_win_over_the_environment(docmill):
    write(docmill, "docmill.conf", b"# a comment\nMAX_PAGES=7\nMAX_ATTEMPTS=3\nPORT=1\n")
    done = docmill("settings", "--config", "docmill.conf", "--port", "4444", "--json", PORT="5555", MAX_ATTEMPTS="5")
    shown = said(done)
    found = {row["name"]: str(row["value"]) for row in _rows(json.loads(shown))}
    assert (found["MAX_PAGES"], found["MAX_ATTEMPTS"], found["PORT"]) == ("7", "5", "4444")


def _rows(settings):
    return settings if isinstance(settings, list) else settings["settings"]


def test_serve_refuses_a_port_that_is_taken_and_says_so(docmill):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = docmill("serve", "--data", docmill.work / "data", "--port", port, seconds=20)
    assert done.returncode == FAILED and str(port).encode() in done.stderr, done.stderr


def test_serve_without_its_helper_says_what_is_missing(docmill):
    done = docmill("serve", "--data", docmill.work / "data", "--port", 0, DOCMILL_HELPER="/nowhere/docmill-pdf", seconds=20)
    assert done.returncode != DONE and b"/nowhere/docmill-pdf" in done.stderr, done.stderr


def test_serve_refuses_a_folder_that_is_none_of_its_own(docmill):
    (docmill.work / "data").write_text("a file")
    done = docmill("serve", "--data", docmill.work / "data", "--port", 0, seconds=20)
    assert done.returncode not in (DONE,) and b"data" in done.stderr
    other = docmill.work / "other"
    other.mkdir()
    (other / "docmill.db").write_bytes(b"this is no database" * 100)
    done = docmill("serve", "--data", other, "--port", 0, seconds=20)
    assert done.returncode not in (DONE,) and b"docmill.db" in done.stderr, done.stderr
    assert (other / "docmill.db").read_bytes() == b"this is no database" * 100


def test_serve_stops_on_control_c_and_exits_with_0(serve):
    server = serve()
    server.client().submit(papers.tiny_pdf()).end("completed")
    server.signal(signal.SIGINT)
    assert server.wait_end() == 0


# ---- help -----------------------------------------------------------------------------------------------------------


def test_help_is_there_for_all_and_for_each_command(docmill):
    overview = said(docmill("--help"))
    for command in COMMANDS:
        assert re.search(rf"^\s*(docmill )?{command}\b", overview, re.M), command
        text = said(docmill(command, "--help"))
        assert f"docmill {command}" in text
        assert text == said(docmill("help", command))
    assert "PAGE_TIMEOUT_SECONDS" in said(docmill("serve", "--help")) or "--page-timeout-seconds" in said(docmill("serve", "--help"))
    assert "docmill" in said(docmill()), "nothing asked, help given"


def test_the_version_is_told(docmill):
    assert re.fullmatch(r"docmill \d+\.\d+\.\d+\n", said(docmill("--version")))


@pytest.mark.parametrize(
    "arguments, hint",
    [
        (["sumbit", "a.pdf"], b"submit"),
        (["run"], b"run"),
        (["status"], b"jobs"),
        (["run", "--fromat", "md", "a.pdf"], b"--format"),
        (["run", "--format", "html", "a.pdf"], b"jsonl"),
        (["status", "a", "b"], b"status"),
        (["jobs", "--limit", "0"], b"--limit"),
        (["jobs", "--limit"], b"--limit"),
        (["jobs", "--status", "odd"], b"completed"),
        (["--json", "jobs"], b"--json"),
        (["completion", "fish"], b"bash"),
        (["serve", "--port", "x"], b"PORT"),
        (["serve", "--config", "/nowhere.conf"], b"/nowhere.conf"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_told_with_what_was_probably_meant(docmill, arguments, hint):
    done = docmill(*arguments)
    assert (done.returncode, done.stdout) == (USAGE, b""), (done.returncode, done.stdout, done.stderr)
    assert hint.lower() in done.stderr.lower(), done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completions_are_scripts_that_the_shell_takes(docmill, shell):
    script = said(docmill("completion", shell))
    assert all(command in script for command in COMMANDS)
    checked = subprocess.run([shell, "-n"], input=script.encode(), capture_output=True, timeout=20)
    assert checked.returncode == 0, checked.stderr


def test_a_command_that_help_does_not_know_is_named_with_the_nearest(docmill):
    done = docmill("help", "serv")
    assert done.returncode == USAGE
    assert b"no command serv; did you mean docmill serve?" in done.stderr


def test_bash_completes_commands_flags_and_choices(docmill):
    def complete(*words):
        script = said(docmill("completion", "bash"))
        line = " ".join(words)
        program = f"""{script}
            COMP_WORDS=({" ".join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}
            COMP_LINE={line!r}; COMP_POINT={len(line)}
            spec=$(complete -p docmill); function_name=$(sed -E 's/.*-F ([^ ]+).*/\\1/' <<<"$spec")
            "$function_name" docmill {words[-1]!r} {words[-2]!r}
            printf '%s\\n' "${{COMPREPLY[@]}}" """
        done = subprocess.run(["bash", "-c", program], capture_output=True, timeout=20)
        return {word.strip() for word in done.stdout.decode().split("\n") if word.strip()}

    assert {"status", "stuck", "submit", "secret", "serve", "settings"} == complete("docmill", "s")
    assert "--format" in complete("docmill", "run", "--fo")
    assert complete("docmill", "results", "--format", "j") == {"json", "jsonl"}


def test_output_into_a_pipe_that_nobody_reads_is_no_crash(docmill):
    done = subprocess.run(
        ["bash", "-c", f"{docmill.binary} help serve | head -n 1; exit ${{PIPESTATUS[0]}}"], capture_output=True, timeout=20
    )
    assert done.returncode in (DONE, FAILED)


# ---- doctor ---------------------------------------------------------------------------------------------------------


def test_doctor_finds_everything_in_order_and_leaves_no_trace(docmill):
    done = docmill("doctor", "--data", docmill.work / "data", "--port", 0)
    text = said(done)
    assert "helper" in text.lower()
    checks = json.loads(said(docmill("doctor", "--json", "--data", docmill.work / "data", "--port", 0)))
    assert checks


def test_doctor_says_what_to_mend(docmill):
    done = docmill("doctor", "--data", docmill.work / "data", DOCMILL_HELPER="/nowhere/docmill-pdf")
    assert done.returncode == FAILED
    assert b"/nowhere/docmill-pdf" in done.stdout + done.stderr


def test_doctor_disturbs_no_running_server(docmill, serve):
    server = serve()
    docmill("doctor", "--data", server.data, "--port", server.port)
    assert server.client().submit(papers.tiny_pdf()).end("completed")
