package io.blindtally.example;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blindtally.Agent;
import io.blindtally.Blindtally;
import io.blindtally.BlindtallyException;
import io.blindtally.BlindtallyIOException;
import io.blindtally.BlobClass;
import io.blindtally.Blobs;
import io.blindtally.Enrollment;
import io.blindtally.Errors;
import io.blindtally.Identity;
import io.blindtally.Inspection;
import io.blindtally.Kdf;
import io.blindtally.LoadedAgent;
import io.blindtally.Login;
import io.blindtally.OpenedAccount;
import io.blindtally.Owner;
import io.blindtally.Ticket;
import io.blindtally.TokenClass;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The package as a program in Java sees it. */
class JavaTest {
    private static final char[] PASSWORD = "correct horse battery staple".toCharArray();

    private static Identity identity(String name) throws Exception {
        Path keys = Path.of(System.getProperty("blindtally.root"), "tests", "keys");
        byte[] encryption = Files.readAllBytes(keys.resolve(name + "-encryption.pkcs8"));
        byte[] signing = Files.readAllBytes(keys.resolve(name + "-signing.pkcs8"));
        return Identity.Companion.fromPkcs8(encryption, signing);
    }

    private static OpenedAccount account() throws Exception {
        return Blindtally.createAccount("anna@example.com", PASSWORD, new Kdf.Pbkdf2(600_000), null, identity("account"));
    }

    private static Agent enrolled(Owner owner) throws Exception {
        Ticket ticket = Blindtally.issueTicket(owner);
        Enrollment enrollment = Blindtally.enroll(ticket, "laptop", identity("device1"));
        Inspection.Verified inspection = (Inspection.Verified) owner.inspect(enrollment.getRequest(), null);
        byte[] delivery = owner.approve(inspection.getRequest(), null).committed().getDeliveries().get(0).getMessage();
        return enrollment.getPending().accept(delivery);
    }

    @Test
    void aDeviceTokenizesAndTheOwnerReveals() throws Exception {
        OpenedAccount account = account();
        try (Owner owner = account.getOwner(); Agent agent = enrolled(owner)) {
            List<String> values = List.of("winword.exe", "excel.exe", "winword.exe");
            List<String> tokens = agent.tokenizeMany(TokenClass.App.INSTANCE, values);
            assertEquals(tokens.get(0), tokens.get(2));
            assertEquals(values, owner.revealMany(tokens));
            LoadedAgent loaded = Blindtally.loadAgent(agent.exportState(null));
            assertEquals(tokens.get(1), ((LoadedAgent.Ready) loaded).getAgent().tokenize(TokenClass.App.INSTANCE, "excel.exe"));
            try (Login login = Blindtally.startLogin("anna@example.com", PASSWORD, owner.prelogin());
                 Owner again = login.unlock(account.getChange().vault(), 0)) {
                assertEquals("excel.exe", again.reveal(tokens.get(1)));
            }
        }
    }

    @Test
    void exceptionsHaveTheirCodesAndClasses() throws Exception {
        try {
            Ticket.Companion.parse("no ticket");
            throw new AssertionError("it was parsed");
        } catch (BlindtallyException.Malformed refused) {
            assertEquals(refused.getCode(), Errors.codeOf(refused));
        }
        Agent agent = enrolled(account().getOwner());
        BlindtallyException tooLong = assertThrows(
            BlindtallyException.class, () -> agent.tokenize(TokenClass.App.INSTANCE, "x".repeat(4_097)));
        assertEquals("tokenize.too-long", Errors.codeOf(tooLong));
        assertThrows(NullPointerException.class, () -> agent.tokenize(TokenClass.App.INSTANCE, null));
        assertThrows(NullPointerException.class, () -> agent.tokenize(null, "a"));
        // A list of Java's may hold null where Kotlin's cannot.
        assertThrows(NullPointerException.class, () -> agent.tokenizeMany(TokenClass.App.INSTANCE, Arrays.asList("a", null)));
        @SuppressWarnings({"unchecked", "rawtypes"})
        List<String> numbers = (List) List.of(1, 2);
        assertThrows(ClassCastException.class, () -> agent.tokenizeMany(TokenClass.App.INSTANCE, numbers));
        agent.wipe();
        BlindtallyException wiped = assertThrows(BlindtallyException.Misuse.class, agent::deviceId);
        assertEquals("binding.closed", Errors.codeOf(wiped));
        agent.close();
        assertThrows(IllegalStateException.class, agent::deviceId);
    }

    @Test
    void streamsAreThoseOfJava() throws Exception {
        Owner owner = account().getOwner();
        Agent agent = enrolled(owner);
        byte[] content = new byte[100_000];
        ByteArrayOutputStream sealed = new ByteArrayOutputStream();
        Blobs.sealBlob(agent, BlobClass.Voice.INSTANCE, new ByteArrayInputStream(content), sealed);
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        Blobs.sealBlob(agent, BlobClass.Voice.INSTANCE, written, stream -> stream.write(content));
        for (ByteArrayOutputStream blob : List.of(sealed, written)) {
            try (var stream = Blobs.openBlob(owner.openingKeys(), new ByteArrayInputStream(blob.toByteArray()))) {
                assertArrayEquals(content, stream.readAllBytes());
            }
        }
        byte[] damaged = sealed.toByteArray();
        damaged[damaged.length / 2]++;
        try (var stream = Blobs.openBlob(owner.openingKeys(), new ByteArrayInputStream(damaged))) {
            IOException failure = assertThrows(IOException.class, stream::readAllBytes);
            assertEquals("blob.tampered", ((BlindtallyIOException) failure).getCode());
        }
    }
}
