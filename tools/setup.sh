#!/bin/sh
# Installs what the build and the tests need and this machine lacks (Debian 12, Ubuntu; as root or with sudo).
set -eu

packages="g++ make cmake libxtensor-dev libxsimd-dev xtl-dev nlohmann-json3-dev doctest-dev libcli11-dev"
# codecs: images, sound, video
packages="$packages libpng-dev libjpeg-dev libwebp-dev libsoxr-dev libsndfile1-dev"
packages="$packages libavcodec-dev libavformat-dev libswscale-dev libavutil-dev"
# editing of lines in the program's chat
packages="$packages libedit-dev"

if ! command -v apt-get > /dev/null
then
    echo "setup.sh: no apt-get here; needed are a C++20 compiler, CMake 3.25 or newer, xtl, xsimd, xtensor, nlohmann/json," \
         "doctest, CLI11, libpng, libjpeg-turbo and libwebp; for more: libsoxr, libsndfile, FFmpeg, libedit" >&2
    exit 0
fi

missing=""
for package in $packages
do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q "install ok installed" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then as_root=""; else as_root="sudo"; fi
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
