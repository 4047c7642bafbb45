metadata(version="0.1.0", description="P-256's field arithmetic for cores with Thumb, in place of integers")

require("smets-core")

module("smets/crypto/field_thumb.py", base_path="../../../firmware", opt=3)
