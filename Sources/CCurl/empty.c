// SwiftPM wants one source file in a C target; libcurl needs only its header and its library.
#include "CCurl.h"
