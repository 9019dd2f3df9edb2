// The functions on whole images that every instruction set compiles.
#include "whole_image/clahe.inl"
#include "whole_image/filters.inl"
