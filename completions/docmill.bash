# Completes docmill's words in bash. Written by `docmill completion bash`; a test compares them.
_docmill() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
    local words= files=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W 'run serve submit status watch results pages cancel retry delete jobs stuck redrive pause resume secret drain init doctor settings completion help --help --version' -- "$word"))
        return
    fi
    case $command/$before in
    run/--format) COMPREPLY=($(compgen -W 'json md jsonl' -- "$word")); return ;;
    run/--pages) return ;;
    run/--password-file) compopt -o default; return ;;
    run/--out) compopt -o default; return ;;
    run/--name) return ;;
    submit/--timeout) return ;;
    submit/--pages) return ;;
    submit/--password-file) compopt -o default; return ;;
    submit/--metadata) return ;;
    submit/--priority) COMPREPLY=($(compgen -W '0 1 2 3 4 5 6 7 8 9' -- "$word")); return ;;
    submit/--idempotency-key) return ;;
    submit/--name) return ;;
    watch/--timeout) return ;;
    results/--format) COMPREPLY=($(compgen -W 'json md jsonl' -- "$word")); return ;;
    results/--out) compopt -o default; return ;;
    pages/--image) compopt -o default; return ;;
    retry/--pages) return ;;
    jobs/--status) COMPREPLY=($(compgen -W 'pending chunking processing aggregating completed failed cancelled' -- "$word")); return ;;
    jobs/--from) return ;;
    jobs/--to) return ;;
    jobs/--limit) return ;;
    stuck/--older-than) return ;;
    stuck/--tenant) return ;;
    stuck/--limit) return ;;
    redrive/--older-than) return ;;
    redrive/--tenant) return ;;
    pause/--tenant) return ;;
    resume/--tenant) return ;;
    secret/--tenant) return ;;
    secret/--data) compopt -o default; return ;;
    drain/--timeout) return ;;
    */--config) compopt -o default; return ;;
    */--port) compopt -o default; return ;;
    */--listen) compopt -o default; return ;;
    */--public-url) compopt -o default; return ;;
    */--max-connections) compopt -o default; return ;;
    */--auth) COMPREPLY=($(compgen -W 'off on' -- "$word")); return ;;
    */--data) compopt -o default; return ;;
    */--min-free-mb) compopt -o default; return ;;
    */--file-size-threshold-mb) compopt -o default; return ;;
    */--sync-wait-seconds) compopt -o default; return ;;
    */--max-file-mb) compopt -o default; return ;;
    */--max-pages) compopt -o default; return ;;
    */--model) compopt -o default; return ;;
    */--model-concurrency) compopt -o default; return ;;
    */--model-rpm) compopt -o default; return ;;
    */--model-tpm) compopt -o default; return ;;
    */--model-input) COMPREPLY=($(compgen -W 'auto text image pdf' -- "$word")); return ;;
    */--model-timeout-seconds) compopt -o default; return ;;
    */--max-attempts) compopt -o default; return ;;
    */--page-timeout-seconds) compopt -o default; return ;;
    */--helpers) compopt -o default; return ;;
    */--helper-memory-mb) compopt -o default; return ;;
    */--ocr-helpers) compopt -o default; return ;;
    */--ocr-timeout-seconds) compopt -o default; return ;;
    */--ocr-languages) compopt -o default; return ;;
    */--retention-source-days) compopt -o default; return ;;
    */--retention-pages-days) compopt -o default; return ;;
    */--retention-results-days) compopt -o default; return ;;
    */--role) COMPREPLY=($(compgen -W 'all api worker aggregator' -- "$word")); return ;;
    */--drain-seconds) compopt -o default; return ;;
    */--log-level) COMPREPLY=($(compgen -W 'debug info warn error off' -- "$word")); return ;;
    */--server) compopt -o default; return ;;
    */--tenant) compopt -o default; return ;;
    */--password) compopt -o default; return ;;
    esac
    case $command in
    run) words='--format --pages --password-file --out --name --max-file-mb --max-pages --model --model-concurrency --model-rpm --model-tpm --model-input --model-timeout-seconds --max-attempts --page-timeout-seconds --helpers --helper-memory-mb --ocr-helpers --ocr-timeout-seconds --ocr-languages --log-level --password --json --quiet --config --help'; files=yes ;;
    serve) words='--port --listen --public-url --max-connections --auth --data --min-free-mb --file-size-threshold-mb --sync-wait-seconds --max-file-mb --max-pages --model --model-concurrency --model-rpm --model-tpm --model-input --model-timeout-seconds --max-attempts --page-timeout-seconds --helpers --helper-memory-mb --ocr-helpers --ocr-timeout-seconds --ocr-languages --retention-source-days --retention-pages-days --retention-results-days --role --drain-seconds --log-level --json --quiet --config --help' ;;
    submit) words='--wait --timeout --pages --password-file --metadata --priority --idempotency-key --name --server --tenant --password --json --quiet --config --help'; files=yes ;;
    status) words='--server --tenant --json --quiet --config --help' ;;
    watch) words='--timeout --server --tenant --json --quiet --config --help' ;;
    results) words='--format --partial --out --server --tenant --json --quiet --config --help' ;;
    pages) words='--text --image --server --tenant --json --quiet --config --help' ;;
    cancel) words='--server --tenant --json --quiet --config --help' ;;
    retry) words='--pages --server --tenant --json --quiet --config --help' ;;
    delete) words='--server --tenant --json --quiet --config --help' ;;
    jobs) words='--status --from --to --limit --all --server --tenant --json --quiet --config --help' ;;
    stuck) words='--older-than --tenant --limit --server --json --quiet --config --help' ;;
    redrive) words='--all-stuck --older-than --tenant --server --json --quiet --config --help' ;;
    pause) words='--tenant --server --json --quiet --config --help' ;;
    resume) words='--tenant --server --json --quiet --config --help' ;;
    secret) words='--tenant --data --server --json --quiet --config --help' ;;
    drain) words='--timeout --server --json --quiet --config --help' ;;
    init) words='--port --listen --public-url --max-connections --auth --data --min-free-mb --file-size-threshold-mb --sync-wait-seconds --max-file-mb --max-pages --model --model-concurrency --model-rpm --model-tpm --model-input --model-timeout-seconds --max-attempts --page-timeout-seconds --helpers --helper-memory-mb --ocr-helpers --ocr-timeout-seconds --ocr-languages --retention-source-days --retention-pages-days --retention-results-days --role --drain-seconds --log-level --json --quiet --config --help' ;;
    doctor) words='--port --listen --public-url --max-connections --auth --data --min-free-mb --file-size-threshold-mb --sync-wait-seconds --max-file-mb --max-pages --model --model-concurrency --model-rpm --model-tpm --model-input --model-timeout-seconds --max-attempts --page-timeout-seconds --helpers --helper-memory-mb --ocr-helpers --ocr-timeout-seconds --ocr-languages --retention-source-days --retention-pages-days --retention-results-days --role --drain-seconds --log-level --json --quiet --config --help' ;;
    settings) words='--markdown --port --listen --public-url --max-connections --auth --data --min-free-mb --file-size-threshold-mb --sync-wait-seconds --max-file-mb --max-pages --model --model-concurrency --model-rpm --model-tpm --model-input --model-timeout-seconds --max-attempts --page-timeout-seconds --helpers --helper-memory-mb --ocr-helpers --ocr-timeout-seconds --ocr-languages --retention-source-days --retention-pages-days --retention-results-days --role --drain-seconds --log-level --server --tenant --password --json --quiet --config --help' ;;
    completion) words='--json --quiet --config --help' ;;
    help) words='--man --json --quiet --config --help' ;;
    esac
    case $command in
    help) words="$words run serve submit status watch results pages cancel retry delete jobs stuck redrive pause resume secret drain init doctor settings completion help" ;;
    completion) words="$words bash zsh" ;;
    esac
    if [ -n "$files" ] && [[ $word != -* ]]; then
        compopt -o default
        return
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _docmill docmill
