#!/bin/sh
# A browser for the tests: there is one, or Debian's is installed where this is root's machine, or it is said how. Ends with 0 in every case:
# the browser tests skip themselves.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Cài chromium của Debian cho kiểm thử trình duyệt / installing Debian's chromium for the browser tests"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get update -q && apt-get install -q -y --no-install-recommends chromium && exit 0
    echo "Không cài được / not installed."
fi
echo "Bỏ qua kiểm thử trình duyệt; muốn chạy: sudo apt-get install chromium / browser tests are skipped; to run them install chromium"
