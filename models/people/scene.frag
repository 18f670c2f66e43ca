#version 330
uniform vec3 eye; uniform vec3 sun_from; uniform vec3 sun_colour; uniform vec3 sky; uniform vec3 ground;
uniform sampler2DShadow shadow;
in vec3 position; in vec3 normal; in vec3 texture_at; in vec3 colour; in float material; in vec4 in_sun;
out vec4 pixel;
float hash(vec3 p) { p = fract(p * 0.3183099 + 0.1); p *= 17.0; return fract(p.x * p.y * p.z * (p.x + p.y + p.z)); }
float noise(vec3 x) {
    vec3 i = floor(x), f = fract(x); f = f * f * (3.0 - 2.0 * f);
    return mix(mix(mix(hash(i), hash(i + vec3(1,0,0)), f.x), mix(hash(i + vec3(0,1,0)), hash(i + vec3(1,1,0)), f.x), f.y),
               mix(mix(hash(i + vec3(0,0,1)), hash(i + vec3(1,0,1)), f.x),
                   mix(hash(i + vec3(0,1,1)), hash(i + vec3(1,1,1)), f.x), f.y), f.z);
}
float lit() {
    vec3 at = in_sun.xyz * 0.5 + 0.5;
    if (any(lessThan(at, vec3(0.003))) || any(greaterThan(at, vec3(0.997)))) return 1.0;
    float sum = 0.0;
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++)
        sum += texture(shadow, vec3(at.xy + vec2(i, j) * 0.0009, at.z - 0.0022));
    return sum / 9.0;
}
void main() {
    vec3 n = normalize(normal), base = colour; float shine = 0.05; vec3 t = texture_at;
    if (material < 0.5) { base *= 0.93 + 0.14 * noise(t * 40.0); shine = 0.12; } // skin
    else if (material < 1.5) { // cloth
        vec3 fold = vec3(noise(t * 14.0), noise(t * 14.0 + 7.0), noise(t * 14.0 + 13.0)) - 0.5;
        n = normalize(n + 0.55 * fold); base *= 0.86 + 0.22 * noise(t * 90.0); shine = 0.02; }
    else if (material < 2.5) { base *= 0.6 + 0.8 * noise(t * vec3(160.0, 160.0, 30.0)); shine = 0.15; } // hair
    else if (material < 3.5) { base *= t.z < 0.035 ? 0.55 : 1.0; shine = 0.15; } // shoe
    else if (material < 4.5) { shine = 0.5; } // hard hat, metal
    else if (material < 5.5) { // cardboard
        base *= 0.92 + 0.10 * noise(t * 45.0) + 0.05 * sin(t.z * 900.0);
        if (abs(t.x) < 0.028 && n.z > -0.5) base = mix(base, vec3(0.62, 0.50, 0.36), 0.75); }
    else if (material < 6.5) { // floor
        base *= 0.80 + 0.22 * noise(t * 1.7) + 0.12 * noise(t * 11.0) + 0.05 * noise(t * 70.0); shine = 0.10; }
    else if (material < 7.5) { base *= 0.88 + 0.10 * sin(t.x * 26.0) + 0.05 * noise(t * 3.0); } // corrugated wall
    else { base *= 0.7 + 0.3 * noise(t * vec3(6.0, 60.0, 60.0)); } // wood
    vec3 view = normalize(eye - position);
    float sun_on = max(dot(n, sun_from), 0.0) * lit();
    vec3 hemi = mix(ground, sky, 0.5 + 0.5 * n.z);
    float gloss = pow(max(dot(n, normalize(sun_from + view)), 0.0), 24.0) * shine * sun_on;
    float rim = 0.85 + 0.15 * max(dot(n, view), 0.0);
    vec3 light = base * (hemi * rim + sun_colour * sun_on) + sun_colour * gloss;
    pixel = vec4(pow(clamp(light, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
}
