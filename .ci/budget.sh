# Runs the steps of .ci/run and .ci/long within their budgets. A script that sources this file
#
# * sets `budget`, the seconds for all steps together,
# * lists them in `steps`, each as "SECONDS FUNCTION TITLE",
# * defines the functions, and
# * ends with `run_steps "$@"`.
#
# With arguments, only the steps of those names run.

script=$PWD/.ci/$(basename "$0")

fail() { printf 'failed: %s\n' "$*" >&2; exit 1; }

# Each step is a process of its own, so that it can be stopped when its time is over.
run_step() { # SECONDS FUNCTION TITLE
  local seconds=$1 function=$2 title=$3 left=$((budget - SECONDS)) start=$SECONDS status=0
  ((left > 0)) || fail "no time is left for '$function': the budget of $budget s for all steps is spent"
  printf '\n== %s: %s (at most %s s)\n' "$function" "$title" "$seconds"
  timeout --kill-after=30 "$((seconds < left ? seconds : left))" \
    bash "$script" --step "$function" < /dev/null &
  running=$!
  wait "$running" || status=$?
  running=
  local taken=$((SECONDS - start))
  printf -- '-- %s took %s s of %s s\n' "$function" "$taken" "$seconds"
  if ((status == 124 || status == 137)); then
    ((seconds <= left)) || fail "'$function' was stopped: the budget of $budget s for all steps is spent"
    fail "'$function' was stopped: it took longer than its budget of $seconds s"
  fi
  ((status == 0)) || fail "'$function' ended with status $status"
  taken_by+=("$(printf '%6s s of %5s s  %s' "$taken" "$seconds" "$function")")
}

run_steps() { # [FUNCTION...]
  if [ "${1:-}" = --step ]; then
    "$2"
    return
  fi
  local entry seconds function title known=" "
  for entry in "${steps[@]}"; do
    read -r seconds function title <<< "$entry"
    known+="$function "
  done
  for function; do
    [[ $known == *" $function "* ]] || fail "unknown step '$function'; the steps are:$known"
  done
  local chosen=" $* "
  taken_by=()
  running=
  trap '[ -z "$running" ] || kill "$running"' EXIT
  trap 'exit 130' INT TERM
  for entry in "${steps[@]}"; do
    read -r seconds function title <<< "$entry"
    [ $# -eq 0 ] || [[ $chosen == *" $function "* ]] || continue
    run_step "$seconds" "$function" "$title"
  done
  printf '\nSeconds taken:\n'
  printf '%s\n' "${taken_by[@]}"
  printf '%6s s of %5s s  in all\n\nAll steps passed.\n' "$SECONDS" "$budget"
}
