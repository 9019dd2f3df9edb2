// The exceptions of errors.h as those of augsynth/errors.py.
#pragma once

namespace augsynth {

// Called by each module when it is imported; holds for its own functions alone.
void translate_exceptions();

}  // namespace augsynth
