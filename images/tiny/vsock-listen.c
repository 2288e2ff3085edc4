/* Runs a program for each connection to a vsock port, with the connection as its standard input and output:
 *
 *     vsock-listen PORT PROGRAM [ARGUMENT...]
 *
 * Equivalent: socat VSOCK-LISTEN:PORT,fork EXEC:PROGRAM, which would bring OpenSSL into an image that has one program
 * for everything. vsock(7).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static int fail(const char *what) {
	perror(what);
	return 1;
}

int main(int argc, char **argv) {
	struct sockaddr_vm here;
	int listener, connection;

	if (argc < 3) {
		fprintf(stderr, "usage: vsock-listen PORT PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	memset(&here, 0, sizeof here);
	here.svm_family = AF_VSOCK;
	here.svm_port = atoi(argv[1]);
	here.svm_cid = VMADDR_CID_ANY;
	listener = socket(AF_VSOCK, SOCK_STREAM, 0);
	if (listener < 0)
		return fail("vsock-listen: socket");
	if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0)
		return fail("vsock-listen: bind");
	if (listen(listener, 8) < 0)
		return fail("vsock-listen: listen");
	/* To the console: nobody outside can know otherwise. */
	printf("bridgelab-steer: listens on vsock port %s\n", argv[1]);
	fflush(stdout);
	/* Nobody waits for the children, so the kernel does. */
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		connection = accept(listener, NULL, NULL);
		if (connection < 0)
			return fail("vsock-listen: accept");
		switch (fork()) {
		case -1:
			return fail("vsock-listen: fork");
		case 0:
			signal(SIGCHLD, SIG_DFL);
			dup2(connection, 0);
			dup2(connection, 1);
			close(connection);
			close(listener);
			execvp(argv[2], argv + 2);
			_exit(fail(argv[2]));
		}
		close(connection);
	}
}
