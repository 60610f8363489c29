"""The codecs and parts that ship with nvczoo; each folder could be a package of its own."""
