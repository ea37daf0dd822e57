#compdef docmill
# Completes docmill's words in zsh. Written by `docmill completion zsh`.
_docmill() {
    local -a commands
    commands=(
        'run:reads documents here and now, without a server'
        'serve:starts the server'
        'submit:hands documents to a server'
        'status:says how a document is doing'
        'watch:follows documents to their ends'
        'results:prints the result of a document'
        'pages:shows the pages of a document, or one of them'
        'cancel:stops a document'
        'retry:reads the failed pages of a document again'
        'delete:removes documents and all that was read of them'
        'jobs:lists documents, the newest first'
        'stuck:lists documents that do not get on, and what each waits for'
        'redrive:puts documents back that do not get on'
        'pause:begins no more work, of one tenant or of all'
        'resume:ends a pause'
        'secret:keeps tenants'\'' own keys of the model'\''s provider'
        'drain:lets the server finish what is at work, and ends it'
        'init:makes the table of STORE on AWS, and checks what is there'
        'doctor:checks whether everything is in order, and says what to mend'
        'settings:shows the settings in force and where they come from'
        'completion:prints a script that completes docmill'\''s words in a shell'
        'help:explains docmill, or one of its commands'
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
    run)
        _arguments \
            '--format[json (the default), md (Markdown to read) or jsonl (one page a line).]:FORMAT:(json md jsonl)' \
            '--pages[Reads only these pages, like 1-5,9 or 12- (to the end).]:RANGES:' \
            '--password-file[Opens encrypted documents with the first line of FILE; - is standard input.]:FILE:_files' \
            '--out[Writes one file for each document into DIR instead of standard output.]:DIR:_files' \
            '--name[What the document is called, in place of the file'\''s own name.]:NAME:' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--max-file-mb[A larger file is refused (413).]:value:_files' \
            '--max-pages[A document with more pages fails with the reason too_large.]:value:_files' \
            '--model[What reads the pages. `extractive\:` is built in\: it needs no key and sends nothing anywhere. Others are PROVIDER\:NAME with gemini, openai (any compatible server), anthropic or bedrock.]:value:_files' \
            '--model-concurrency[How many pages the model reads at once, to begin with\: the number adapts to what a provider bears. 0\: as many as suit it.]:value:_files' \
            '--model-rpm[Requests a minute that the provider allows. 0\: what its answers say, or what is found out from its refusals.]:value:_files' \
            '--model-tpm[Tokens a minute that the provider allows; 0 likewise.]:value:_files' \
            '--model-input[What the model is shown of a page\: its text; a picture; the page as a PDF of its own. `auto` shows the text where the document carries one, else a picture.]:value:(auto text image pdf)' \
            '--model-timeout-seconds[A call to the model that takes longer ends, and is made again.]:value:_files' \
            '--max-attempts[How often the model is asked about one page before the page fails.]:value:_files' \
            '--page-timeout-seconds[How long opening a document or reading one of its pages may take. A page past it fails with the reason timeout; the others go on.]:value:_files' \
            '--helpers[How many helper processes open documents at once. 0\: as many as there are processors.]:value:_files' \
            '--helper-memory-mb[How much memory one of them may take; a page that needs more fails with the reason too_large.]:value:_files' \
            '--ocr-helpers[How many pages without text have it recognised at once. 0\: as many as there are processors.]:value:_files' \
            '--ocr-timeout-seconds[How long the recognition of one page may take.]:value:_files' \
            '--ocr-languages[The languages of scanned pages, in Tesseract'\''s names.]:value:_files' \
            '--log-level[Which lines the log has, on standard error\: for people on a terminal, one JSON object a line elsewhere. `docmill run` has no log unless this is set.]:value:(debug info warn error off)' \
            '--password[Opens an encrypted document. Other users of the machine can see the flags of a command\: --password-file and this variable keep it from them.]:value:_files' \
            '*::operand:_files' ;;
    serve)
        _arguments \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--port[Port on 127.0.0.1 where the server listens. 0 takes any free one and says which.]:value:_files' \
            '--listen[Address and port where the server listens; wins over PORT. Only loopback (127.0.0.1, \[\:\:1\], localhost) is allowed as long as requests carry no credentials.]:value:_files' \
            '--public-url[How clients reach the server, where that is not the address it listens on\: behind a tunnel or a reverse proxy. Links in answers begin with it.]:value:_files' \
            '--max-connections[How many clients may be connected at once; further ones wait to be accepted.]:value:_files' \
            '--auth[Whether requests must carry a credential. Only off is there yet\: the tenant is the one that the request names, and the server listens on loopback alone.]:value:(off on)' \
            '--data[Folder that holds everything the server keeps; made where it is missing. One server uses it at a time. Nothing is written outside it.]:value:_files' \
            '--min-free-mb[Below this much free space uploads are refused (507), so that work already accepted can be finished.]:value:_files' \
            '--file-size-threshold-mb[Up to this size an upload waits for its result; a larger one is answered at once. 0\: none waits.]:value:_files' \
            '--sync-wait-seconds[How long such an upload waits at most. The document goes on when the time is over.]:value:_files' \
            '--max-file-mb[A larger file is refused (413).]:value:_files' \
            '--max-pages[A document with more pages fails with the reason too_large.]:value:_files' \
            '--model[What reads the pages. `extractive\:` is built in\: it needs no key and sends nothing anywhere. Others are PROVIDER\:NAME with gemini, openai (any compatible server), anthropic or bedrock.]:value:_files' \
            '--model-concurrency[How many pages the model reads at once, to begin with\: the number adapts to what a provider bears. 0\: as many as suit it.]:value:_files' \
            '--model-rpm[Requests a minute that the provider allows. 0\: what its answers say, or what is found out from its refusals.]:value:_files' \
            '--model-tpm[Tokens a minute that the provider allows; 0 likewise.]:value:_files' \
            '--model-input[What the model is shown of a page\: its text; a picture; the page as a PDF of its own. `auto` shows the text where the document carries one, else a picture.]:value:(auto text image pdf)' \
            '--model-timeout-seconds[A call to the model that takes longer ends, and is made again.]:value:_files' \
            '--max-attempts[How often the model is asked about one page before the page fails.]:value:_files' \
            '--page-timeout-seconds[How long opening a document or reading one of its pages may take. A page past it fails with the reason timeout; the others go on.]:value:_files' \
            '--helpers[How many helper processes open documents at once. 0\: as many as there are processors.]:value:_files' \
            '--helper-memory-mb[How much memory one of them may take; a page that needs more fails with the reason too_large.]:value:_files' \
            '--ocr-helpers[How many pages without text have it recognised at once. 0\: as many as there are processors.]:value:_files' \
            '--ocr-timeout-seconds[How long the recognition of one page may take.]:value:_files' \
            '--ocr-languages[The languages of scanned pages, in Tesseract'\''s names.]:value:_files' \
            '--retention-source-days[When an ended document'\''s file and the pictures of its pages are removed; it cannot be read again after that. 0\: never.]:value:_files' \
            '--retention-pages-days[When the texts and analyses of its single pages are removed; its result stays. 0\: never.]:value:_files' \
            '--retention-results-days[When an ended document'\''s results are removed. Once file, pages and results are all gone the document is, too. 0\: never.]:value:_files' \
            '--role[What this process does\: all, or several with commas between. One process does all of it where the backends are embedded, for only one server can use a folder.]:value:(all api worker aggregator)' \
            '--drain-seconds[How long the server finishes what it has begun when it is told to stop (SIGTERM, Ctrl-C). What is not done by then is taken up by the next start. A second signal ends it at once.]:value:_files' \
            '--log-level[Which lines the log has, on standard error\: for people on a terminal, one JSON object a line elsewhere. `docmill run` has no log unless this is set.]:value:(debug info warn error off)' \
            '*::operand:' ;;
    submit)
        _arguments \
            '--wait[Waits for the documents'\'' ends; the exit status then speaks of them.]' \
            '--timeout[Waits no longer than this; then the exit status is 2 and the document goes on.]:SECONDS:' \
            '--pages[Reads only these pages, like 1-5,9 or 12- (to the end).]:RANGES:' \
            '--password-file[Opens encrypted documents with the first line of FILE; - is standard input.]:FILE:_files' \
            '--metadata[A JSON object of your own that stays with the document and comes back in its events.]:JSON:' \
            '--priority[0 is read first, 9 last; 5 unless given.]:N:(0 1 2 3 4 5 6 7 8 9)' \
            '--idempotency-key[Under the same key the same file is accepted once, however often it is submitted within a day.]:KEY:' \
            '--name[What the document is called, in place of the file'\''s own name.]:NAME:' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '--password[Opens an encrypted document. Other users of the machine can see the flags of a command\: --password-file and this variable keep it from them.]:value:_files' \
            '*::operand:_files' ;;
    status)
        _arguments \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '*::operand:' ;;
    watch)
        _arguments \
            '--timeout[Waits no longer than this; then the exit status is 2 and the document goes on.]:SECONDS:' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '*::operand:' ;;
    results)
        _arguments \
            '--format[json (the default), md (Markdown to read) or jsonl (one page a line).]:FORMAT:(json md jsonl)' \
            '--partial[Takes what there is by now of a document that has not ended.]' \
            '--out[Writes into FILE, which appears when it is complete.]:FILE:_files' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '*::operand:' ;;
    pages)
        _arguments \
            '--text[Of page N only the text that was read.]' \
            '--image[Writes a picture of page N into FILE.]:FILE:_files' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '*::operand:' ;;
    cancel)
        _arguments \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '*::operand:' ;;
    retry)
        _arguments \
            '--pages[Reads these pages again, whether they failed or not.]:RANGES:' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '*::operand:' ;;
    delete)
        _arguments \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '*::operand:' ;;
    jobs)
        _arguments \
            '--status[Only documents of this status.]:STATUS:(pending chunking processing aggregating completed failed cancelled)' \
            '--from[Uploaded at this time or later\: 2026-11-24 or 2026-11-24T08\:00\:00Z.]:TIME:' \
            '--to[Uploaded before this time.]:TIME:' \
            '--limit[At most so many; 20 unless given.]:N:' \
            '--all[All there are.]' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '*::operand:' ;;
    stuck)
        _arguments \
            '--older-than[A document is stuck once it made no progress for so long\: 90s, 5m (unless given), 2h, 1d; 0s\: any.]:TIME:' \
            '--tenant[Only documents of this tenant.]:TENANT:' \
            '--limit[At most so many; 100 unless given.]:N:' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '*::operand:' ;;
    redrive)
        _arguments \
            '--all-stuck[All documents that docmill stuck lists, in place of IDs.]' \
            '--older-than[A document is stuck once it made no progress for so long\: 90s, 5m (unless given), 2h, 1d; 0s\: any.]:TIME:' \
            '--tenant[Only documents of this tenant.]:TENANT:' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '*::operand:' ;;
    pause)
        _arguments \
            '--tenant[Only this tenant'\''s work; everybody'\''s unless given.]:TENANT:' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '*::operand:' ;;
    resume)
        _arguments \
            '--tenant[Only this tenant'\''s pause; all pauses unless given.]:TENANT:' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '*::operand:' ;;
    secret)
        _arguments \
            '--tenant[Whose secret; list shows everybody'\''s unless given.]:TENANT:' \
            '--data[Opens the data folder itself, for as long as no server uses it\: for the first key, without which one would not start.]:FOLDER:_files' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '*::operand:' ;;
    drain)
        _arguments \
            '--timeout[Waits no longer than this for the server'\''s end, which comes all the same; then the exit status is 2. Unless given, somewhat longer than the server'\''s DRAIN_SECONDS.]:SECONDS:' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--server[The server to talk to.]:value:_files' \
            '*::operand:' ;;
    init)
        _arguments \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--port[Port on 127.0.0.1 where the server listens. 0 takes any free one and says which.]:value:_files' \
            '--listen[Address and port where the server listens; wins over PORT. Only loopback (127.0.0.1, \[\:\:1\], localhost) is allowed as long as requests carry no credentials.]:value:_files' \
            '--public-url[How clients reach the server, where that is not the address it listens on\: behind a tunnel or a reverse proxy. Links in answers begin with it.]:value:_files' \
            '--max-connections[How many clients may be connected at once; further ones wait to be accepted.]:value:_files' \
            '--auth[Whether requests must carry a credential. Only off is there yet\: the tenant is the one that the request names, and the server listens on loopback alone.]:value:(off on)' \
            '--data[Folder that holds everything the server keeps; made where it is missing. One server uses it at a time. Nothing is written outside it.]:value:_files' \
            '--min-free-mb[Below this much free space uploads are refused (507), so that work already accepted can be finished.]:value:_files' \
            '--file-size-threshold-mb[Up to this size an upload waits for its result; a larger one is answered at once. 0\: none waits.]:value:_files' \
            '--sync-wait-seconds[How long such an upload waits at most. The document goes on when the time is over.]:value:_files' \
            '--max-file-mb[A larger file is refused (413).]:value:_files' \
            '--max-pages[A document with more pages fails with the reason too_large.]:value:_files' \
            '--model[What reads the pages. `extractive\:` is built in\: it needs no key and sends nothing anywhere. Others are PROVIDER\:NAME with gemini, openai (any compatible server), anthropic or bedrock.]:value:_files' \
            '--model-concurrency[How many pages the model reads at once, to begin with\: the number adapts to what a provider bears. 0\: as many as suit it.]:value:_files' \
            '--model-rpm[Requests a minute that the provider allows. 0\: what its answers say, or what is found out from its refusals.]:value:_files' \
            '--model-tpm[Tokens a minute that the provider allows; 0 likewise.]:value:_files' \
            '--model-input[What the model is shown of a page\: its text; a picture; the page as a PDF of its own. `auto` shows the text where the document carries one, else a picture.]:value:(auto text image pdf)' \
            '--model-timeout-seconds[A call to the model that takes longer ends, and is made again.]:value:_files' \
            '--max-attempts[How often the model is asked about one page before the page fails.]:value:_files' \
            '--page-timeout-seconds[How long opening a document or reading one of its pages may take. A page past it fails with the reason timeout; the others go on.]:value:_files' \
            '--helpers[How many helper processes open documents at once. 0\: as many as there are processors.]:value:_files' \
            '--helper-memory-mb[How much memory one of them may take; a page that needs more fails with the reason too_large.]:value:_files' \
            '--ocr-helpers[How many pages without text have it recognised at once. 0\: as many as there are processors.]:value:_files' \
            '--ocr-timeout-seconds[How long the recognition of one page may take.]:value:_files' \
            '--ocr-languages[The languages of scanned pages, in Tesseract'\''s names.]:value:_files' \
            '--retention-source-days[When an ended document'\''s file and the pictures of its pages are removed; it cannot be read again after that. 0\: never.]:value:_files' \
            '--retention-pages-days[When the texts and analyses of its single pages are removed; its result stays. 0\: never.]:value:_files' \
            '--retention-results-days[When an ended document'\''s results are removed. Once file, pages and results are all gone the document is, too. 0\: never.]:value:_files' \
            '--role[What this process does\: all, or several with commas between. One process does all of it where the backends are embedded, for only one server can use a folder.]:value:(all api worker aggregator)' \
            '--drain-seconds[How long the server finishes what it has begun when it is told to stop (SIGTERM, Ctrl-C). What is not done by then is taken up by the next start. A second signal ends it at once.]:value:_files' \
            '--log-level[Which lines the log has, on standard error\: for people on a terminal, one JSON object a line elsewhere. `docmill run` has no log unless this is set.]:value:(debug info warn error off)' \
            '*::operand:' ;;
    doctor)
        _arguments \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--port[Port on 127.0.0.1 where the server listens. 0 takes any free one and says which.]:value:_files' \
            '--listen[Address and port where the server listens; wins over PORT. Only loopback (127.0.0.1, \[\:\:1\], localhost) is allowed as long as requests carry no credentials.]:value:_files' \
            '--public-url[How clients reach the server, where that is not the address it listens on\: behind a tunnel or a reverse proxy. Links in answers begin with it.]:value:_files' \
            '--max-connections[How many clients may be connected at once; further ones wait to be accepted.]:value:_files' \
            '--auth[Whether requests must carry a credential. Only off is there yet\: the tenant is the one that the request names, and the server listens on loopback alone.]:value:(off on)' \
            '--data[Folder that holds everything the server keeps; made where it is missing. One server uses it at a time. Nothing is written outside it.]:value:_files' \
            '--min-free-mb[Below this much free space uploads are refused (507), so that work already accepted can be finished.]:value:_files' \
            '--file-size-threshold-mb[Up to this size an upload waits for its result; a larger one is answered at once. 0\: none waits.]:value:_files' \
            '--sync-wait-seconds[How long such an upload waits at most. The document goes on when the time is over.]:value:_files' \
            '--max-file-mb[A larger file is refused (413).]:value:_files' \
            '--max-pages[A document with more pages fails with the reason too_large.]:value:_files' \
            '--model[What reads the pages. `extractive\:` is built in\: it needs no key and sends nothing anywhere. Others are PROVIDER\:NAME with gemini, openai (any compatible server), anthropic or bedrock.]:value:_files' \
            '--model-concurrency[How many pages the model reads at once, to begin with\: the number adapts to what a provider bears. 0\: as many as suit it.]:value:_files' \
            '--model-rpm[Requests a minute that the provider allows. 0\: what its answers say, or what is found out from its refusals.]:value:_files' \
            '--model-tpm[Tokens a minute that the provider allows; 0 likewise.]:value:_files' \
            '--model-input[What the model is shown of a page\: its text; a picture; the page as a PDF of its own. `auto` shows the text where the document carries one, else a picture.]:value:(auto text image pdf)' \
            '--model-timeout-seconds[A call to the model that takes longer ends, and is made again.]:value:_files' \
            '--max-attempts[How often the model is asked about one page before the page fails.]:value:_files' \
            '--page-timeout-seconds[How long opening a document or reading one of its pages may take. A page past it fails with the reason timeout; the others go on.]:value:_files' \
            '--helpers[How many helper processes open documents at once. 0\: as many as there are processors.]:value:_files' \
            '--helper-memory-mb[How much memory one of them may take; a page that needs more fails with the reason too_large.]:value:_files' \
            '--ocr-helpers[How many pages without text have it recognised at once. 0\: as many as there are processors.]:value:_files' \
            '--ocr-timeout-seconds[How long the recognition of one page may take.]:value:_files' \
            '--ocr-languages[The languages of scanned pages, in Tesseract'\''s names.]:value:_files' \
            '--retention-source-days[When an ended document'\''s file and the pictures of its pages are removed; it cannot be read again after that. 0\: never.]:value:_files' \
            '--retention-pages-days[When the texts and analyses of its single pages are removed; its result stays. 0\: never.]:value:_files' \
            '--retention-results-days[When an ended document'\''s results are removed. Once file, pages and results are all gone the document is, too. 0\: never.]:value:_files' \
            '--role[What this process does\: all, or several with commas between. One process does all of it where the backends are embedded, for only one server can use a folder.]:value:(all api worker aggregator)' \
            '--drain-seconds[How long the server finishes what it has begun when it is told to stop (SIGTERM, Ctrl-C). What is not done by then is taken up by the next start. A second signal ends it at once.]:value:_files' \
            '--log-level[Which lines the log has, on standard error\: for people on a terminal, one JSON object a line elsewhere. `docmill run` has no log unless this is set.]:value:(debug info warn error off)' \
            '*::operand:' ;;
    settings)
        _arguments \
            '--markdown[Prints the reference of all settings, as in docs/settings.md.]' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '--port[Port on 127.0.0.1 where the server listens. 0 takes any free one and says which.]:value:_files' \
            '--listen[Address and port where the server listens; wins over PORT. Only loopback (127.0.0.1, \[\:\:1\], localhost) is allowed as long as requests carry no credentials.]:value:_files' \
            '--public-url[How clients reach the server, where that is not the address it listens on\: behind a tunnel or a reverse proxy. Links in answers begin with it.]:value:_files' \
            '--max-connections[How many clients may be connected at once; further ones wait to be accepted.]:value:_files' \
            '--auth[Whether requests must carry a credential. Only off is there yet\: the tenant is the one that the request names, and the server listens on loopback alone.]:value:(off on)' \
            '--data[Folder that holds everything the server keeps; made where it is missing. One server uses it at a time. Nothing is written outside it.]:value:_files' \
            '--min-free-mb[Below this much free space uploads are refused (507), so that work already accepted can be finished.]:value:_files' \
            '--file-size-threshold-mb[Up to this size an upload waits for its result; a larger one is answered at once. 0\: none waits.]:value:_files' \
            '--sync-wait-seconds[How long such an upload waits at most. The document goes on when the time is over.]:value:_files' \
            '--max-file-mb[A larger file is refused (413).]:value:_files' \
            '--max-pages[A document with more pages fails with the reason too_large.]:value:_files' \
            '--model[What reads the pages. `extractive\:` is built in\: it needs no key and sends nothing anywhere. Others are PROVIDER\:NAME with gemini, openai (any compatible server), anthropic or bedrock.]:value:_files' \
            '--model-concurrency[How many pages the model reads at once, to begin with\: the number adapts to what a provider bears. 0\: as many as suit it.]:value:_files' \
            '--model-rpm[Requests a minute that the provider allows. 0\: what its answers say, or what is found out from its refusals.]:value:_files' \
            '--model-tpm[Tokens a minute that the provider allows; 0 likewise.]:value:_files' \
            '--model-input[What the model is shown of a page\: its text; a picture; the page as a PDF of its own. `auto` shows the text where the document carries one, else a picture.]:value:(auto text image pdf)' \
            '--model-timeout-seconds[A call to the model that takes longer ends, and is made again.]:value:_files' \
            '--max-attempts[How often the model is asked about one page before the page fails.]:value:_files' \
            '--page-timeout-seconds[How long opening a document or reading one of its pages may take. A page past it fails with the reason timeout; the others go on.]:value:_files' \
            '--helpers[How many helper processes open documents at once. 0\: as many as there are processors.]:value:_files' \
            '--helper-memory-mb[How much memory one of them may take; a page that needs more fails with the reason too_large.]:value:_files' \
            '--ocr-helpers[How many pages without text have it recognised at once. 0\: as many as there are processors.]:value:_files' \
            '--ocr-timeout-seconds[How long the recognition of one page may take.]:value:_files' \
            '--ocr-languages[The languages of scanned pages, in Tesseract'\''s names.]:value:_files' \
            '--retention-source-days[When an ended document'\''s file and the pictures of its pages are removed; it cannot be read again after that. 0\: never.]:value:_files' \
            '--retention-pages-days[When the texts and analyses of its single pages are removed; its result stays. 0\: never.]:value:_files' \
            '--retention-results-days[When an ended document'\''s results are removed. Once file, pages and results are all gone the document is, too. 0\: never.]:value:_files' \
            '--role[What this process does\: all, or several with commas between. One process does all of it where the backends are embedded, for only one server can use a folder.]:value:(all api worker aggregator)' \
            '--drain-seconds[How long the server finishes what it has begun when it is told to stop (SIGTERM, Ctrl-C). What is not done by then is taken up by the next start. A second signal ends it at once.]:value:_files' \
            '--log-level[Which lines the log has, on standard error\: for people on a terminal, one JSON object a line elsewhere. `docmill run` has no log unless this is set.]:value:(debug info warn error off)' \
            '--server[The server to talk to.]:value:_files' \
            '--tenant[Whose documents. Tenants do not see each other'\''s.]:value:_files' \
            '--password[Opens an encrypted document. Other users of the machine can see the flags of a command\: --password-file and this variable keep it from them.]:value:_files' \
            '*::operand:' ;;
    completion)
        _arguments \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '*::operand:(bash zsh)' ;;
    help)
        _arguments \
            '--man[Prints the manual page, as in docs/docmill.1.]' \
            '--json[JSON alone on standard output; errors are JSON on standard error.]' \
            '--quiet[No progress, no advice.]' \
            '--config[Reads settings from a file of lines NAME=value.]:FILE:_files' \
            '--help[Shows this text.]' \
            '*::operand:' ;;
    esac
}
if [[ $funcstack[1] == _docmill ]]; then
    _docmill "$@"
else
    compdef _docmill docmill
fi
