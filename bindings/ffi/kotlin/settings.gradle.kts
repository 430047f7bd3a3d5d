// The JVM package, and the Android module of the same sources.

pluginManagement {
    repositories {
        gradlePluginPortal()
        mavenCentral()
        google()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        mavenCentral()
        google()
    }
}

rootProject.name = "blindtally-jvm"

// Its plugin needs the Android SDK: left out where there is none.
if (System.getenv("ANDROID_HOME") != null || file("local.properties").exists()) {
    include(":android")
}
