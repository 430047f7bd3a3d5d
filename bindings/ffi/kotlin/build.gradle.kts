// io.blindtally:blindtally-jvm. The native libraries come from `cargo build --release -p blindtally-ffi` for each platform:
// natives/PLATFORM/LIBRARY, with PLATFORM as JNA names it (linux-x86-64, darwin-aarch64, win32-x86-64).

plugins {
    kotlin("jvm") version "2.4.20"
    // Of the Android module, which must share one class loader with them.
    kotlin("android") version "2.4.20" apply false
    id("com.android.library") version "8.7.3" apply false
    `java-library`
    `maven-publish`
    signing
}

kotlin {
    jvmToolchain(17)
    compilerOptions {
        jvmTarget = org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_11
        freeCompilerArgs.add("-Xjdk-release=11")
    }
}

java {
    sourceCompatibility = JavaVersion.VERSION_11
    targetCompatibility = JavaVersion.VERSION_11
    withSourcesJar()
    withJavadocJar()
}

dependencies {
    // What UniFFI's Kotlin calls the library by. Its types are in signatures of the generated code.
    api("net.java.dev.jna:jna:5.13.0")
    testImplementation(kotlin("test-junit5"))
    testImplementation("org.junit.jupiter:junit-jupiter:5.9.2")
}

sourceSets {
    main { resources.srcDir("natives") }
}

tasks.processResources {
    from(listOf("LICENSE-MIT", "LICENSE-APACHE").map { rootDir.resolve("../../../$it") }) { into("META-INF") }
}

tasks.test {
    useJUnitPlatform()
    systemProperty("blindtally.root", rootDir.resolve("../../..").canonicalPath)
}

tasks.jar {
    manifest.attributes("Automatic-Module-Name" to "io.blindtally", "Implementation-Version" to version)
}

publishing {
    publications {
        create<MavenPublication>("maven") {
            artifactId = "blindtally-jvm"
            from(components["java"])
            pom {
                name = "blindtally"
                description = "End-to-end encryption for activity data that a blind service can still count, group and sort"
                licenses {
                    license {
                        name = "MIT OR Apache-2.0"
                        comments = "LICENSE-MIT and LICENSE-APACHE, as you like; both are in META-INF"
                        distribution = "repo"
                    }
                }
            }
        }
    }
}

signing {
    isRequired = providers.gradleProperty("signing.keyId").isPresent
    sign(publishing.publications["maven"])
}
