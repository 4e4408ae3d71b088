/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base.h"

#include <stdlib.h>
#include <string.h>

void mun_freep(void *p)
{
	void *target;

	/* Copied, not dereferenced as void **: the variable has some other pointer type. */
	memcpy(&target, p, sizeof(target));
	free(target);
}
