// SwiftPM wants one source file in a C target; libpq needs only its header and its library.
#include "CPostgres.h"
