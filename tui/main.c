/* The composition root: finds argv[1] in commands.def, nothing else. */
#include <stdio.h>

int main(void)
{
    puts("lathe " LATHE_VERSION);
    return 0;
}
