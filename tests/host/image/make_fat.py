"""Print a small FAT file system with a note in it, as a host formats a drive: `micropython make_fat.py BLOCKS`."""

import sys

import vfs


class Ram:
    """A drive of so many blocks of 4,096 bytes; FAT counts them."""

    def __init__(self, blocks):
        self.content = bytearray(blocks * 4096)

    def readblocks(self, number, buffer):
        buffer[:] = self.content[number * 4096 : number * 4096 + len(buffer)]

    def writeblocks(self, number, buffer):
        self.content[number * 4096 : number * 4096 + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        return {4: len(self.content) // 4096, 5: 4096}.get(operation, 0)


drive = Ram(int(sys.argv[1]))
vfs.VfsFat.mkfs(drive)
vfs.mount(vfs.VfsFat(drive), "/fat")
with open("/fat/NOTE.TXT", "w") as file:
    file.write("holiday pictures")
vfs.umount("/fat")
with open(1, "wb") as output:
    output.write(drive.content)
