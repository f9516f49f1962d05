# Sourced with the launch folder as working directory, in the new namespaces, with the right to mount.
# Carries out `plan` (made by plan.ts; fields are separated by tabs).
fail() {
  echo "atrium: $1" >&2
  exit 125
}

# Flags that a mount already has may be locked; asking for them as well is harmless.
read_only() {
  mount -n -o remount,bind,ro "$1" 2>/dev/null ||
    mount -n -o remount,bind,ro,nosuid,nodev "$1" 2>/dev/null ||
    mount -n -o remount,bind,ro,nosuid,nodev,noexec "$1" 2>/dev/null
}

carry_out() {
  tab=$(printf '\t')
  while IFS=$tab read -r verb a b c; do
    case $verb in
      file) mount -n --bind "$PWD/$a" "$b" || fail "could not put $b in place" ;;
      stage)
        mount -n --bind "$b" "$PWD/stage/$a" || fail "could not reach $b"
        [ "$c" = rw ] || read_only "$PWD/stage/$a" || fail "could not protect $b"
        ;;
      freeze)
        while read -r _ _ _ _ point _; do
          point=$(printf '%b' "$point")
          case $point in "$PWD"/stage/*) ;; *) read_only "$point" ;; esac
        done </proc/self/mountinfo
        ;;
      mask) mount -n -t tmpfs -o "nosuid,nodev,$b" tmpfs "$a" || fail "could not hide $a" ;;
      # From here on this folder may be hidden: only paths relative to it still lead there.
      place)
        if [ -d "stage/$a" ]; then mkdir -p "$b"; else mkdir -p "${b%/*}" && : >"$b"; fi
        mount -n -c --move "stage/$a" "$b" || fail "could not put $b in place"
        ;;
      proc) mount -n -t proc -o nosuid,nodev,noexec proc /proc || fail 'could not mount /proc' ;;
      *) fail "plan: $verb" ;;
    esac
  done <"$1"
}
