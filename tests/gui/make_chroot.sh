#!/usr/bin/env bash
# Makes a folder with a full Debian Blender, a virtual display and a mouse robot, for tests/gui.
# Usage: sudo tests/gui/make_chroot.sh FOLDER [SUITE]   then: export ACETATE_BLENDER_CHROOT=FOLDER
set -euo pipefail

folder=${1:?"usage: make_chroot.sh FOLDER [SUITE]"}
suite=${2:-sid}
packages=(
  blender xvfb xdotool xauth imagemagick x11-apps procps
  libgl1-mesa-dri libegl-mesa0 libegl1
  python3-numpy python3-cattr python3-requests python3-zstandard
)

if [[ ! -x $folder/usr/bin/blender ]]; then
  debootstrap --variant=minbase "$suite" "$folder"
  # No service may start inside, and a mirror's old Release file is good enough.
  printf '#!/bin/sh\nexit 101\n' > "$folder/usr/sbin/policy-rc.d"
  chmod +x "$folder/usr/sbin/policy-rc.d"
  printf 'Acquire::Check-Valid-Until "false";\nAPT::Install-Recommends "false";\n' \
    > "$folder/etc/apt/apt.conf.d/90acetate"
fi
for place in proc dev; do
  mountpoint -q "$folder/$place" || mount --bind "/$place" "$folder/$place"
done
if [[ ! -x $folder/usr/bin/blender ]]; then
  chroot "$folder" apt-get update
  DEBIAN_FRONTEND=noninteractive chroot "$folder" apt-get install -y "${packages[@]}"
  chroot "$folder" apt-get clean
fi
chroot "$folder" blender --version | head -n 1
