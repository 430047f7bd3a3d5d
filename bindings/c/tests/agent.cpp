// An agent in C++, by a wrapper that frees what goes out of scope and throws what the library refuses.

#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "blindtally.h"

namespace {

const std::int64_t now = 1790000000123;

struct Refused : std::runtime_error {
    explicit Refused(const blindtally_error *error)
        : std::runtime_error(blindtally_error_message(error)), code(blindtally_error_code(error)) {}
    std::string code;
};

void check(const blindtally_error *error) {
    if (error != nullptr) throw Refused(error);
}

struct Bytes {
    blindtally_bytes raw = {nullptr, 0};
    Bytes() = default;
    Bytes(const Bytes &) = delete;
    Bytes &operator=(const Bytes &) = delete;
    ~Bytes() { blindtally_bytes_free(&raw); }
    std::string text() const { return raw.data == nullptr ? "" : reinterpret_cast<const char *>(raw.data); }
};

struct Free {
    void operator()(blindtally_agent *agent) const { blindtally_agent_free(&agent); }
    void operator()(blindtally_pending *pending) const { blindtally_pending_free(&pending); }
    void operator()(blindtally_sealer *sealer) const { blindtally_sealer_free(&sealer); }
};

using Pending = std::unique_ptr<blindtally_pending, Free>;
using Sealer = std::unique_ptr<blindtally_sealer, Free>;

class Agent {
public:
    explicit Agent(const std::vector<std::uint8_t> &state) {
        blindtally_agent *agent;
        blindtally_pending *pending;
        check(blindtally_restore(state.data(), state.size(), nullptr, 0, &agent, &pending));
        raw.reset(agent);
        if (Pending(pending)) throw std::logic_error("it has no keys yet");
    }

    std::string device_id() const {
        char id[BLINDTALLY_ID_LENGTH];
        check(blindtally_agent_device_id(raw.get(), id, sizeof id, nullptr));
        return id;
    }

    std::string tokenize(std::uint32_t token_class, const std::string &value) const {
        std::vector<char> room(blindtally_token_length(value.size()));
        std::size_t length;
        check(blindtally_agent_tokenize(raw.get(), token_class, value.data(), value.size(), room.data(), room.size(), &length));
        return std::string(room.data(), length);
    }

    std::vector<std::string> tokenize(std::uint32_t token_class, const std::vector<std::string> &values) const {
        std::vector<blindtally_text> texts;
        std::size_t room = 0;
        for (const std::string &value : values) {
            texts.push_back({value.data(), value.size()});
            room += blindtally_token_length(value.size());
        }
        std::vector<char> buffer(room);
        std::vector<blindtally_token_result> results(values.size());
        check(blindtally_agent_tokenize_many(raw.get(), token_class, texts.data(), texts.size(), buffer.data(), buffer.size(),
                                             nullptr, results.data()));
        std::vector<std::string> tokens;
        for (const blindtally_token_result &result : results) {
            check(result.error);
            tokens.emplace_back(buffer.data() + result.offset, result.length);
        }
        return tokens;
    }

    std::string seal_record(std::uint32_t record_class, const std::string &value) const {
        Bytes record;
        check(blindtally_agent_seal_record(raw.get(), record_class, value.data(), value.size(), now, &record.raw));
        return record.text();
    }

    void close() const { check(blindtally_agent_close(raw.get())); }
    const blindtally_agent *get() const { return raw.get(); }

private:
    std::unique_ptr<blindtally_agent, Free> raw;
};

std::vector<std::uint8_t> receive() {
    std::string line;
    std::getline(std::cin, line);
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

void print_hex(const Bytes &bytes) {
    for (std::size_t i = 0; i < bytes.raw.length; i++) {
        const char *digits = "0123456789abcdef";
        std::cout << digits[bytes.raw.data[i] >> 4] << digits[bytes.raw.data[i] & 15];
    }
}

template <typename Act> void refuses(const std::string &code, Act act) {
    try {
        act();
    } catch (const Refused &refused) {
        if (refused.code == code) return;
        throw std::logic_error(refused.code + " instead of " + code);
    }
    throw std::logic_error("nothing instead of " + code);
}

void run() {
    const std::vector<std::uint8_t> pending = receive(), state = receive();
    try {
        Agent none(pending);
        throw std::runtime_error("a pending agent has no keys");
    } catch (const std::logic_error &) {
    }
    refuses("malformed.truncated", [] { Agent none({}); });

    Agent agent(state);
    std::cout << "device " << agent.device_id() << '\n';
    const std::vector<std::string> values = {"winword.exe", "excel.exe", "stra\xc3\x9f" "e.exe"};
    const std::vector<std::string> tokens = agent.tokenize(BLINDTALLY_CLASS_APP, values);
    for (std::size_t i = 0; i < values.size(); i++) {
        std::cout << "token " << tokens[i] << '\n';
        if (agent.tokenize(BLINDTALLY_CLASS_APP, values[i]) != tokens[i]) throw std::logic_error("another token");
    }
    refuses("c.utf8", [&] { agent.tokenize(BLINDTALLY_CLASS_APP, std::vector<std::string>{"a", "\xff"}); });
    std::cout << "record " << agent.seal_record(BLINDTALLY_CLASS_CLIPBOARD, "typed words") << '\n';

    const std::uint8_t picture[] = {'a', ' ', 'p', 'i', 'c', 't', 'u', 'r', 'e'};
    blindtally_sealer *started;
    Bytes beginning, nothing, rest;
    check(blindtally_sealer_new(agent.get(), BLINDTALLY_CLASS_SCREENSHOT, now, &started, &beginning.raw));
    Sealer sealer(started);
    check(blindtally_sealer_update(sealer.get(), picture, sizeof picture, &nothing.raw));
    check(blindtally_sealer_finish(sealer.get(), &rest.raw));
    std::cout << "blob ";
    print_hex(beginning);
    print_hex(nothing);
    print_hex(rest);
    std::cout << '\n';

    std::vector<std::thread> threads;
    for (int i = 0; i < 3; i++) {
        threads.emplace_back([&] {
            try {
                while (agent.tokenize(BLINDTALLY_CLASS_APP, values) == tokens) {
                }
            } catch (const Refused &refused) {
                if (refused.code == "c.closed") return;
            }
            std::terminate();
        });
    }
    agent.close();
    for (std::thread &thread : threads) thread.join();
    refuses("c.closed", [&] { agent.device_id(); });
    std::cout << "done\n";
}

} // namespace

int main() {
    try {
        run();
        return 0;
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
