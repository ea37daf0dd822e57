# Sourced by the other scripts: where we are, how they speak, how they build.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    heading() { printf '\033[1m==> %s\033[0m\n' "$*"; }
else
    heading() { printf '==> %s\n' "$*"; }
fi

# configure FOLDER [-Dkey=value…]: makes the build folder, or changes those options of one that is
# there. What was asked for is noted in the folder, because asking Meson takes half a second; so is
# which rooms there were, because Meson does not see a new one.
configure() {
    local folder=$1 noted=$1/.options option changed=() rooms
    shift
    if [ ! -f "$folder/build.ninja" ]; then
        rm -f "$noted"
    fi
    rooms="rooms=$(printf '%s\n' */meson.build */*/meson.build */*/*/meson.build | cksum)"
    for option in "$@"; do
        if ! grep -qxF -- "$option" "$noted" 2>/dev/null; then changed+=("$option"); fi
    done
    if [ -f "$folder/build.ninja" ]; then
        if [ ${#changed[@]} -eq 0 ] && grep -qxF -- "$rooms" "$noted" 2>/dev/null; then return 0; fi
        heading "Configuring $folder${changed[*]:+ (${changed[*]})}"
        meson_quietly "$folder" setup --reconfigure "$folder" "${changed[@]}" || return 1
    else
        heading "Configuring $folder"
        # Tests stay out until somebody asks for them, so that building needs no test libraries.
        meson_quietly "$folder" setup "$folder" -Dtests=false "${changed[@]}" || return 1
    fi
    for option in "${changed[@]}" "$rooms"; do
        { grep -v -- "^${option%%=*}=" "$noted" 2>/dev/null || true; echo "$option"; } >"$noted.new"
        mv "$noted.new" "$noted"
    done
}

meson_quietly() {
    local folder=$1 said
    shift
    if ! said=$(meson "$@" 2>&1); then
        printf '%s\n' "$said" | tail -n 25 >&2
        echo "Meson could not configure $folder; its log is $folder/meson-logs/meson-log.txt" >&2
        return 1
    fi
    # Meson reports some mistakes in our files as warnings only; the rest of its listing is of no use here.
    printf '%s\n' "$said" | grep -E '^[^ ]*(meson\.build:[0-9]+: )?WARNING' >&2 || true
}

# compile FOLDER [TARGET…]
compile() {
    local folder=$1
    shift
    ninja -C "$folder" ${JOBS:+-j "$JOBS"} "$@" | sed '/^ninja: Entering directory/d;/^ninja: no work to do/d'
}

# Makes .venv with what the integration tests import, unless it is there.
set_up_python() {
    local requirements=tests/integration/requirements.txt pip
    if cmp -s "$requirements" .venv/installed.txt; then return 0; fi
    echo "Setting up .venv"
    rm -rf .venv
    # A python3 of somebody's own may come without venv; the distribution's has it from install-packages.
    python3 -m venv .venv 2>/dev/null || { rm -rf .venv; /usr/bin/python3 -m venv .venv; }
    pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements")
    "${pip[@]}" || { echo "pip failed, trying once more"; sleep 5; "${pip[@]}"; }
    cp "$requirements" .venv/installed.txt
}
