// io.blindtally:blindtally-android, an AAR of the same sources. The libraries lie in src/main/jniLibs/ABI, which README.md
// there says how to fill.

plugins {
    id("com.android.library")
    kotlin("android")
    `maven-publish`
}

android {
    namespace = "io.blindtally"
    compileSdk = 35
    defaultConfig {
        // java.time, as the package uses them.
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
    sourceSets["main"].kotlin.srcDir("../src/main/kotlin")
    publishing {
        singleVariant("release") { withSourcesJar() }
    }
}

kotlin {
    compilerOptions {
        jvmTarget = org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_11
    }
}

dependencies {
    // As an AAR it brings JNA's own libraries for Android.
    api("net.java.dev.jna:jna:5.13.0@aar")
}

publishing {
    publications {
        register<MavenPublication>("release") {
            artifactId = "blindtally-android"
            afterEvaluate { from(components["release"]) }
        }
    }
}
